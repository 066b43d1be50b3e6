use comanda_domain::Role;
use comanda_proof::{Outcome, Property::Sessions, Request, ServerId, SessionId, Shown, WhichSessions};

use crate::story::{SECOND, Story, account, done, ok, refused};

/// Whoever has the number of the call signs in, and has a session of this number.
fn sign_in(story: &mut Story, who: u32, at: u64) -> SessionId {
    let request = Request::SignIn { email: format!("{who}@comanda.example"), device: None, right: Some(true) };
    SessionId(story.call(who, at..at + 5, request, done()).sequence)
}

fn call(story: &mut Story, session: SessionId, at: u64, outcome: Outcome) -> u64 {
    let record = story.call(1, at..at + 5, Request::Other { what: "GET /v1/me".to_owned() }, outcome);
    record.session = Some(session);
    record.sequence
}

fn close(story: &mut Story, by: u32, session: Option<SessionId>, at: u64, request: Request) -> u64 {
    let record = story.call(by, at..at + 5, request, ok(204, Shown::Nothing));
    record.session = session;
    record.sequence
}

fn refusal() -> Outcome {
    refused(401, "session-revoked")
}

#[test]
fn sessions_that_are_closed_open_nothing_and_others_live_on() {
    let mut story = Story::new();
    let (first, second) = (sign_in(&mut story, 1, 0), sign_in(&mut story, 1, 10));
    call(&mut story, first, 20, done());
    close(&mut story, 1, Some(first), 30, Request::SignOut);
    // Calls at once may be let in or not.
    call(&mut story, first, 31, done());
    call(&mut story, first, 40, refusal());
    call(&mut story, second, 50, done());
    close(&mut story, 1, Some(second), 60, Request::ChangePassword);
    call(&mut story, second, 70, done());
    close(&mut story, 2, None, 80, Request::ChangeRole { account: account(1), to: Role::Customer });
    call(&mut story, second, 90, refused(403, "forbidden"));
    let third = sign_in(&mut story, 1, 100);
    call(&mut story, third, 110, done());
    story.is_good();
}

#[test]
fn a_session_that_outlives_its_end_is_found_whatever_ended_it() {
    let all = |n| Request::EndSessions { which: n };
    for (n, end) in [
        Request::SignOut,
        all(WhichSessions::One(SessionId(0))),
        all(WhichSessions::All(account(1))),
        Request::ChangeRole { account: account(1), to: Role::Customer },
        Request::Disable { account: account(1), disabled: true },
    ]
    .into_iter()
    .enumerate()
    {
        let mut story = Story::new();
        let session = sign_in(&mut story, 1, 0);
        let ended = close(&mut story, 2, (n == 0).then_some(session), 20, end);
        let late = call(&mut story, session, 30, done());
        story.is_found(Sessions, "a session opened a call, with a 200", &[0, ended, late]);
    }
    let mut story = Story::new();
    let (first, second) = (sign_in(&mut story, 1, 0), sign_in(&mut story, 1, 10));
    let ended = close(&mut story, 1, Some(second), 20, Request::ChangePassword);
    let late = call(&mut story, first, 30, refused(409, "invalid-transition"));
    story.is_found(Sessions, "with a 409", &[0, ended, late]);
}

#[test]
fn another_server_may_hear_of_it_a_little_later() {
    let mut story = Story::new();
    story.tables.settings.sessions_close_within_ms = 2000;
    let session = sign_in(&mut story, 1, 0);
    let ended = close(&mut story, 1, Some(session), 10, Request::SignOut);
    let soon = call(&mut story, session, SECOND, done());
    story.records[usize::try_from(soon).unwrap()].server = Some(ServerId(2));
    story.is_good();
    let late = call(&mut story, session, 3 * SECOND, done());
    story.records[usize::try_from(late).unwrap()].server = Some(ServerId(2));
    story.is_found(Sessions, "2999 ms after it was closed", &[0, ended, late]);
}

#[test]
fn a_refresh_token_that_is_used_again_closes_its_session() {
    let mut story = Story::new();
    let session = sign_in(&mut story, 1, 0);
    let reuse = story.call(1, 10..15, Request::RefreshAgain, refusal());
    reuse.session = Some(session);
    let late = call(&mut story, session, 20, done());
    story.is_found(Sessions, "a session opened a call", &[0, 1, late]);
}
