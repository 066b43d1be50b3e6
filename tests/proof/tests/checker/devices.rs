//! Devices that are known, each of which has a count of its own.

use comanda_proof::{Outcome, Property::Locks, Request, Response, Shown};

use crate::story::{SECOND, Story, done, ok, refused};

const STRANGER: Option<u32> = None;
const PHONE: Option<u32> = Some(1);
const TABLET: Option<u32> = Some(2);

fn attempt(story: &mut Story, device: Option<u32>, at: u64, right: bool, outcome: Outcome) -> u64 {
    let email = "somebody@comanda.example".to_owned();
    let request = Request::SignIn { email, device, right: Some(right) };
    story.call(1, at * SECOND..at * SECOND + SECOND / 10, request, outcome).sequence
}

fn wrong(story: &mut Story, device: Option<u32>, at: u64) -> u64 {
    attempt(story, device, at, false, refused(401, "invalid-credentials"))
}

fn locked(story: &mut Story, device: Option<u32>, at: u64, seconds: u64) -> u64 {
    let code = Some("account-locked".to_owned());
    let response = Response { code, retry_after: Some(seconds), ..Response::empty(429) };
    attempt(story, device, at, true, Outcome::Response(response))
}

#[test]
fn a_known_device_goes_on_while_strangers_are_locked_out() {
    let mut story = Story::new();
    (1..=5).for_each(|at| _ = wrong(&mut story, STRANGER, at));
    locked(&mut story, STRANGER, 6, 60);
    attempt(&mut story, PHONE, 7, true, done());
    (11..=15).for_each(|at| _ = wrong(&mut story, PHONE, at));
    locked(&mut story, PHONE, 16, 60);
    attempt(&mut story, TABLET, 17, true, done());
    // An admin opens the address to all of them.
    let request = Request::Unlock { email: "somebody@comanda.example".to_owned() };
    story.call(2, 20 * SECOND..20 * SECOND + 1, request, ok(204, Shown::Nothing));
    wrong(&mut story, STRANGER, 21);
    wrong(&mut story, PHONE, 22);
    story.is_good();
}

#[test]
fn a_known_device_that_strangers_lock_out_is_found() {
    let mut story = Story::new();
    (1..=5).for_each(|at| _ = wrong(&mut story, STRANGER, at));
    let innocent = locked(&mut story, PHONE, 6, 60);
    story.is_found(Locks, "an address was locked after no more than 0 failures", &[innocent]);
}

#[test]
fn a_known_device_whose_success_opens_the_address_to_strangers_is_found() {
    let mut story = Story::new();
    let mut shown_by: Vec<u64> = (1..=5).map(|at| wrong(&mut story, STRANGER, at)).collect();
    attempt(&mut story, PHONE, 6, true, done());
    shown_by.push(wrong(&mut story, STRANGER, 7));
    story.is_found(Locks, "after 5 failures another password was checked within 2 s, not 60 s", &shown_by);
}

#[test]
fn a_known_device_that_may_guess_for_ever_is_found() {
    let mut story = Story::new();
    let shown_by: Vec<u64> = (1..=6).map(|at| wrong(&mut story, PHONE, at)).collect();
    story.is_found(Locks, "after 5 failures another password was checked within 1 s, not 60 s", &shown_by);
}
