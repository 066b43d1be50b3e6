use comanda_domain::OrderStatus;
use comanda_proof::{Digest, Outcome, Property::Replays, Record, Request, Response};

use crate::story::{Story, key, order, refused, unknown};

fn request() -> Request {
    Request::ChangeStatus { order: order(1), to: OrderStatus::Accepted }
}

fn answered(body: &str, replayed: bool) -> Outcome {
    let digest = Some(Digest::of(body.as_bytes()));
    Outcome::Response(Response { digest, replayed, ..Response::empty(200) })
}

fn call<'s>(story: &'s mut Story, begin: u64, body: &str, outcome: Outcome) -> &'s mut Record {
    let record = story.call(1, begin..begin + 5, request(), outcome);
    record.key = Some(key("a", body));
    record
}

#[test]
fn replays_that_are_equal_and_refusals_of_other_requests_are_good() {
    let mut story = Story::new();
    call(&mut story, 10, "x", unknown());
    call(&mut story, 12, "x", refused(409, "idempotency-in-progress"));
    call(&mut story, 20, "x", answered("response", true));
    call(&mut story, 30, "x", answered("response", true));
    call(&mut story, 40, "y", refused(422, "idempotency-key-reused"));
    call(&mut story, 50, "x", refused(503, "unavailable"));
    // Another account has keys of its own.
    story.call(2, 60..70, request(), answered("other", false)).key = Some(key("a", "y"));
    // A refusal leaves the key free.
    story.call(3, 10..20, request(), refused(409, "invalid-transition")).key = Some(key("a", "x"));
    story.call(3, 30..40, request(), answered("third", false)).key = Some(key("a", "y"));
    story.is_good();
}

#[test]
fn a_replay_that_differs_is_found() {
    let mut story = Story::new();
    call(&mut story, 10, "x", answered("response", false));
    call(&mut story, 20, "x", answered("response", true));
    call(&mut story, 30, "x", answered("another", true));
    story.is_found(Replays, "answered otherwise than the first time", &[0, 2]);
}

#[test]
fn a_key_that_is_good_twice_is_found() {
    let mut story = Story::new();
    call(&mut story, 10, "x", answered("response", false));
    call(&mut story, 20, "x", answered("response", false));
    story.is_found(Replays, "neither is a replay", &[0, 1]);
    let mut story = Story::new();
    call(&mut story, 10, "x", answered("response", false));
    call(&mut story, 20, "y", answered("response", true));
    story.is_found(Replays, "good for two requests", &[0, 1]);
}

#[test]
fn a_repetition_that_is_refused_is_found() {
    let mut story = Story::new();
    call(&mut story, 10, "x", answered("response", false));
    call(&mut story, 20, "x", refused(409, "invalid-transition"));
    story.is_found(Replays, "was refused with 409 when it was repeated", &[0, 1]);
}

#[test]
fn what_is_said_of_a_key_must_be_true() {
    let mut story = Story::new();
    call(&mut story, 10, "x", refused(422, "idempotency-key-reused"));
    story.is_found(Replays, "no other request had it", &[0]);
    let mut story = Story::new();
    call(&mut story, 10, "x", refused(404, "not-found"));
    call(&mut story, 20, "x", refused(409, "idempotency-in-progress"));
    story.is_found(Replays, "none was", &[1]);
    let mut story = Story::new();
    call(&mut story, 10, "x", answered("response", true));
    story.is_found(Replays, "nothing was done under its key before", &[0]);
}

#[test]
fn a_key_that_is_busy_taken_or_not_looked_at_is_good() {
    let mut story = Story::new();
    call(&mut story, 10, "x", answered("response", false)).end = 30;
    // While the first one is under way, or is not known to have ended.
    call(&mut story, 12, "x", refused(409, "idempotency-in-progress"));
    call(&mut story, 13, "x", refused(409, "invalid-transition"));
    for (status, code) in [(401, "session-revoked"), (403, "forbidden"), (429, "rate-limited")] {
        call(&mut story, 40, "x", refused(status, code));
    }
    call(&mut story, 50, "y", refused(409, "invalid-transition"));
    let mut lost = Story::new();
    call(&mut lost, 10, "x", unknown());
    call(&mut lost, 40, "x", refused(409, "idempotency-in-progress"));
    for story in [story, lost] {
        story.is_good();
    }
}

#[test]
fn what_is_said_of_a_key_before_it_was_taken_or_after_it_was_free_is_found() {
    // What comes later was no reason.
    let mut story = Story::new();
    call(&mut story, 10, "x", answered("response", true));
    call(&mut story, 20, "x", unknown());
    story.is_found(Replays, "nothing was done under its key before", &[0]);
    // Another request was refused, or it was the same one.
    for first in [("y", refused(404, "not-found")), ("x", unknown())] {
        let mut story = Story::new();
        call(&mut story, 10, first.0, first.1);
        call(&mut story, 20, "x", refused(422, "idempotency-key-reused"));
        story.is_found(Replays, "no other request had it", &[1]);
    }
    let mut story = Story::new();
    call(&mut story, 10, "y", unknown());
    call(&mut story, 20, "x", answered("response", false));
    call(&mut story, 30, "x", refused(422, "idempotency-key-reused"));
    story.is_found(Replays, "by the very request that had it", &[1, 2]);
}
