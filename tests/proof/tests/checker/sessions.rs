use comanda_domain::Role;
use comanda_proof::{
    Fault, Outcome, Property::Sessions, Request, ServerId, SessionId, Shown, StreamMessage, WhichSessions,
};

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

#[test]
fn a_fault_puts_off_what_other_servers_know_until_it_is_over() {
    let use_at = |at: u64, fault: std::ops::Range<u64>| {
        let mut story = Story::new();
        let session = sign_in(&mut story, 1, 0);
        close(&mut story, 1, Some(session), 10, Request::SignOut);
        let fault = fault.start * SECOND..fault.end * SECOND;
        story.call(9, fault, Request::Fault { fault: Fault::Other("PostgreSQL SIGKILLed".to_owned()) }, done());
        let late = call(&mut story, session, at * SECOND, done());
        story.records[usize::try_from(late).unwrap()].server = Some(ServerId(2));
        story
    };
    use_at(5, 1..10).is_good();
    use_at(11, 1..10).is_good();
    for (at, fault) in [(13, 1..10), (150, 100..200)] {
        use_at(at, fault).is_found(Sessions, "after it was closed", &[0, 1, 3]);
    }
}

#[test]
fn what_was_refused_or_is_still_open_closes_nothing() {
    let mut story = Story::new();
    let (first, second) = (sign_in(&mut story, 1, 0), sign_in(&mut story, 1, 10));
    story.call(1, 20..25, Request::SignOut, refused(503, "unavailable")).session = Some(first);
    story.call(1, 20..25, Request::RefreshAgain, refused(503, "unavailable")).session = Some(first);
    call(&mut story, first, 30, done());
    let others = Request::EndSessions { which: WhichSessions::Others };
    let ended = close(&mut story, 1, Some(second), 40, others);
    call(&mut story, second, 50, done());
    // A stream that was open may end a little later.
    let stream = |message| Request::Stream { stream: 1, of: None, message };
    story.call(1, 60..60, stream(StreamMessage::Changed(Shown::Nothing)), done()).session = Some(first);
    story.is_good();
    let opened = story.call(1, 70..75, stream(StreamMessage::Opened { resumed: true }), done());
    opened.session = Some(first);
    let opened = opened.sequence;
    story.is_found(Sessions, "with a 200", &[0, ended, opened]);
}

#[test]
fn whatever_says_something_of_what_was_asked_for_has_let_the_caller_in() {
    for status in [200, 304, 404, 409, 412, 422] {
        let mut story = Story::new();
        let session = sign_in(&mut story, 1, 0);
        let ended = close(&mut story, 1, Some(session), 10, Request::SignOut);
        call(&mut story, session, 20, refused(429, "rate-limited"));
        call(&mut story, session, 20, refused(503, "unavailable"));
        story.is_good();
        let late = call(&mut story, session, 30, refused(status, "some"));
        story.is_found(Sessions, &format!("with a {status}"), &[0, ended, late]);
    }
}

#[test]
fn who_does_not_know_the_server_asks_another_one() {
    let mut story = Story::new();
    let session = sign_in(&mut story, 1, 0);
    close(&mut story, 1, Some(session), 10, Request::SignOut);
    call(&mut story, session, SECOND, done());
    for record in &mut story.records {
        record.server = None;
    }
    story.is_good();
    story.records[2].begin = 3 * SECOND;
    story.is_found(Sessions, "after it was closed", &[0, 1, 2]);
}

#[test]
fn a_call_that_is_refused_after_the_end_was_looked_at() {
    let looked_at = |story: &Story| story.verdict().looked_at[Sessions as usize];
    let mut story = Story::new();
    let session = sign_in(&mut story, 1, 0);
    call(&mut story, session, 10, refusal());
    assert_eq!(looked_at(&story), (Sessions, 0));
    close(&mut story, 1, Some(session), 20, Request::SignOut);
    call(&mut story, session, 30, refusal());
    call(&mut story, session, 40, refusal());
    assert_eq!(looked_at(&story), (Sessions, 2));
}
