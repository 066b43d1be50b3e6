//! Refresh tokens, of which each is good for one exchange.

use comanda_proof::{Digest, Outcome, Property::Sessions, Request, SessionId, Shown};

use crate::story::{Story, done, ok, refused};

fn sign_in(story: &mut Story) -> SessionId {
    let request = Request::SignIn { email: "1@comanda.example".to_owned(), device: None, right: Some(true) };
    SessionId(story.call(1, 0..5, request, done()).sequence)
}

fn exchanged(token: &str, successor: &str) -> Outcome {
    let [token, successor] = [token, successor].map(|token| Digest::of(token.as_bytes()));
    ok(200, Shown::Exchanged { token, successor })
}

fn call(story: &mut Story, session: SessionId, at: u64, request: Request, outcome: Outcome) -> u64 {
    let record = story.call(1, at..at + 5, request, outcome);
    record.session = Some(session);
    record.sequence
}

#[test]
fn calls_at_once_may_get_the_same_successor_and_never_two() {
    let mut story = Story::new();
    let session = sign_in(&mut story);
    let first = call(&mut story, session, 10, Request::Refresh, exchanged("a", "b"));
    call(&mut story, session, 12, Request::Refresh, exchanged("a", "b"));
    call(&mut story, session, 20, Request::Refresh, exchanged("b", "c"));
    story.is_good();
    let fork = call(&mut story, session, 13, Request::Refresh, exchanged("a", "d"));
    story.is_found(Sessions, "one refresh token was exchanged for two", &[first, fork]);
}

#[test]
fn a_token_that_comes_back_late_is_refused_and_nothing_of_its_session_is_good_any_more() {
    let mut story = Story::new();
    let session = sign_in(&mut story);
    call(&mut story, session, 10, Request::Refresh, exchanged("a", "b"));
    call(&mut story, session, 20, Request::Refresh, exchanged("b", "c"));
    let late = call(&mut story, session, 30, Request::RefreshAgain, refused(401, "session-revoked"));
    call(&mut story, session, 40, Request::Refresh, refused(401, "session-revoked"));
    story.is_good();
    let newest = call(&mut story, session, 50, Request::Refresh, exchanged("c", "d"));
    story.is_found(Sessions, "a session opened a call, with a 200", &[session.0, late, newest]);
}

#[test]
fn a_token_that_comes_back_late_and_is_good_again_is_found() {
    let mut story = Story::new();
    let session = sign_in(&mut story);
    call(&mut story, session, 10, Request::Refresh, exchanged("a", "b"));
    call(&mut story, session, 20, Request::Refresh, exchanged("b", "c"));
    let again = call(&mut story, session, 30, Request::RefreshAgain, exchanged("a", "b"));
    story.is_found(Sessions, "a refresh token that was exchanged long before was good again", &[again]);
}
