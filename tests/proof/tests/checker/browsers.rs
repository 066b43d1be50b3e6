//! Sessions that browsers keep in cookies.

use comanda_proof::{
    Outcome,
    Property::{Placed, Sessions},
    Request, SessionId, Shown,
};

use crate::story::{Story, done, key, ok, refused, row};

/// Signs in with a browser, which has a session of before or has none.
fn sign_in(story: &mut Story, before: Option<SessionId>, at: u64, outcome: Outcome) -> SessionId {
    let request = Request::SignIn { email: "1@comanda.example".to_owned(), device: None, right: Some(true) };
    let record = story.call(1, at..at + 5, request, outcome);
    record.session = before;
    SessionId(record.sequence)
}

fn call(story: &mut Story, session: SessionId, at: u64, request: Request, outcome: Outcome) -> u64 {
    let record = story.call(1, at..at + 5, request, outcome);
    record.session = Some(session);
    record.sequence
}

fn look() -> Request {
    Request::Other { what: "GET /v1/me".to_owned() }
}

fn forge() -> Request {
    Request::Forge { what: "POST /v1/orders".to_owned() }
}

#[test]
fn a_browser_that_signs_in_again_loses_the_session_that_it_had() {
    let mut story = Story::new();
    let first = sign_in(&mut story, None, 0, done());
    // Whoever is refused replaces nothing.
    sign_in(&mut story, Some(first), 10, refused(429, "rate-limited"));
    call(&mut story, first, 20, look(), done());
    let second = sign_in(&mut story, Some(first), 30, done());
    call(&mut story, first, 40, look(), refused(401, "unauthenticated"));
    call(&mut story, second, 50, look(), done());
    story.is_good();
    let late = call(&mut story, first, 60, look(), done());
    story.is_found(Sessions, "a session opened a call, with a 200", &[first.0, second.0, late]);
}

#[test]
fn a_cookie_of_a_session_that_was_signed_out_opens_nothing() {
    let mut story = Story::new();
    let session = sign_in(&mut story, None, 0, done());
    let out = call(&mut story, session, 10, Request::SignOut, ok(204, Shown::Nothing));
    call(&mut story, session, 20, look(), refused(401, "unauthenticated"));
    story.is_good();
    let late = call(&mut story, session, 30, look(), done());
    story.is_found(Sessions, "a session opened a call, with a 200", &[session.0, out, late]);
}

#[test]
fn what_another_page_sends_must_be_refused_and_whoever_lets_it_in_is_found() {
    for outcome in [refused(403, "invalid-csrf-token"), refused(403, "invalid-origin"), refused(401, "unauthenticated")]
    {
        let mut story = Story::new();
        let session = sign_in(&mut story, None, 0, done());
        call(&mut story, session, 10, forge(), outcome);
        story.is_good();
    }
    for (outcome, status) in [(done(), 200), (ok(201, Shown::Nothing), 201), (refused(409, "insufficient-stock"), 409)]
    {
        let mut story = Story::new();
        let session = sign_in(&mut story, None, 0, done());
        let forged = call(&mut story, session, 10, forge(), outcome);
        let reason = format!("a page that is not ours was let in, with a {status}: POST /v1/orders");
        story.is_found(Sessions, &reason, &[forged]);
    }
}

#[test]
fn an_order_that_another_page_has_placed_is_found_whatever_it_was_told() {
    let mut story = Story::new();
    let session = sign_in(&mut story, None, 0, done());
    let forged = call(&mut story, session, 10, forge(), refused(403, "invalid-csrf-token"));
    story.records[usize::try_from(forged).unwrap()].key = Some(key("a", "1"));
    let mut kept = row(1, 1, 1);
    kept.key = Some("a".to_owned());
    story.keep(kept);
    story.is_found(Placed, "is in the tables, and nobody has placed it", &[]);
}
