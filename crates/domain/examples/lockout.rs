//! A guesser against the lockout policy: how many passwords can be checked within a day?
//!
//! `cargo run -p comanda-domain --example lockout`

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use comanda_domain::{Admission, AttemptId, AttemptOutcome, LockoutPolicy, LockoutState, Timestamp};
use uuid::Uuid;

fn main() {
    // ANCHOR: lockout
    let (policy, mut state) = (LockoutPolicy::default(), LockoutState::default());
    let start = Timestamp::UNIX_EPOCH;
    let (mut now, mut checked) = (start, 0);
    while now < start + chrono::TimeDelta::days(1) {
        let attempt = AttemptId::new(Uuid::from_u128(checked));
        match policy.begin(&mut state, attempt, now) {
            Admission::Allowed => {
                policy.settle(&mut state, attempt, AttemptOutcome::Failure, now);
                checked += 1;
            }
            Admission::Locked(lock) => {
                println!("after {checked:2} wrong passwords: locked until {}", lock.unlock_at);
                now = lock.unlock_at;
            }
            Admission::Busy => unreachable!("one attempt at a time"),
        }
    }
    println!("{checked} passwords checked in a day");
    // ANCHOR_END: lockout
    assert!(checked < 32);
}
