use comanda_proof::{Fault, LockShown, Outcome, Property::Locks, Request, Response, Shown};

use crate::story::{SECOND, Story, done, ok, refused, unknown};

fn attempt(story: &mut Story, at: u64, right: bool, outcome: Outcome) -> u64 {
    let email = "somebody@comanda.example".to_owned();
    let request = Request::SignIn { email, device: None, right: Some(right) };
    let time = at * SECOND..at * SECOND + SECOND / 10;
    story.call(1, time, request, outcome).sequence
}

fn wrong(story: &mut Story, at: u64) -> u64 {
    attempt(story, at, false, refused(401, "invalid-credentials"))
}

fn locked(story: &mut Story, at: u64, seconds: u64) -> u64 {
    let code = Some("account-locked".to_owned());
    let response = Response { code, retry_after: Some(seconds), ..Response::empty(429) };
    attempt(story, at, true, Outcome::Response(response))
}

fn unlock(story: &mut Story, at: u64) -> u64 {
    let request = Request::Unlock { email: "somebody@comanda.example".to_owned() };
    story.call(2, at * SECOND..at * SECOND + 1, request, ok(204, Shown::Nothing)).sequence
}

#[test]
fn the_ladder_is_good() {
    let mut story = Story::new();
    for at in 1..=5 {
        wrong(&mut story, at);
    }
    locked(&mut story, 10, 56);
    wrong(&mut story, 66);
    locked(&mut story, 70, 296);
    wrong(&mut story, 367);
    locked(&mut story, 370, 897);
    unlock(&mut story, 380);
    attempt(&mut story, 381, true, done());
    story.is_good();
}

#[test]
fn a_password_that_is_checked_while_the_address_is_locked_is_found() {
    let mut story = Story::new();
    let mut shown_by: Vec<u64> = (1..=5).map(|at| wrong(&mut story, at)).collect();
    shown_by.push(wrong(&mut story, 30));
    story.is_found(Locks, "after 5 failures another password was checked within 25 s, not 60 s", &shown_by);
    // Whoever signs in, is unlocked or has lost Redis may begin anew.
    for forget in 0..4 {
        let mut story = Story { records: story.records.clone(), tables: story.tables.clone() };
        match forget {
            0 => attempt(&mut story, 4, true, done()),
            1 => attempt(&mut story, 4, true, unknown()),
            2 => unlock(&mut story, 20),
            _ => story.call(9, 20 * SECOND..21 * SECOND, Request::Fault { fault: Fault::Redis }, done()).sequence,
        };
        story.is_good();
    }
}

#[test]
fn a_lock_of_a_later_level_that_ends_early_is_found() {
    let mut story = Story::new();
    let mut shown_by: Vec<u64> = (1..=5).map(|at| wrong(&mut story, at)).collect();
    shown_by.push(wrong(&mut story, 70));
    shown_by.push(wrong(&mut story, 140));
    story.is_found(Locks, "after 6 failures another password was checked within 70 s, not 300 s", &shown_by);
}

#[test]
fn a_lock_without_cause_or_for_too_long_is_found() {
    let mut story = Story::new();
    for at in 1..=4 {
        wrong(&mut story, at);
    }
    let early = locked(&mut story, 5, 60);
    story.is_found(Locks, "after no more than 4 failures", &[early]);

    let mut story = Story::new();
    for at in 1..=5 {
        wrong(&mut story, at);
    }
    let long = locked(&mut story, 6, 300);
    story.is_found(Locks, "is locked for 300 s, and after 5 failures 60 s are due", &[long]);
    story.records.pop();
    let late = locked(&mut story, 70, 10);
    story.is_found(Locks, "was locked longer than the 60 s", &[late]);
    story.records.pop();
    let lifted = unlock(&mut story, 8);
    let still = locked(&mut story, 9, 10);
    story.is_found(Locks, "after no more than 0 failures", &[lifted, still]);
}

#[test]
fn a_wrong_password_that_is_good_and_a_right_one_that_is_not_are_found() {
    let mut story = Story::new();
    let good = attempt(&mut story, 1, false, done());
    story.is_found(Locks, "a wrong password signed somebody in", &[good]);
    let bad = attempt(&mut story, 2, true, refused(401, "invalid-credentials"));
    story.is_found(Locks, "a right password was called wrong", &[bad]);
}

#[test]
fn what_admins_see_of_a_lock_must_be_on_the_ladder() {
    let mut story = Story::new();
    let mut see = |attempts, level, minutes: i64| {
        let lock = LockShown { attempts, level, locked_at_ms: 0, unlock_at_ms: minutes * 60_000 };
        let request = Request::ReadLock { email: "somebody@comanda.example".to_owned() };
        let sequence = story.call(2, 1..2, request, ok(200, Shown::Lock(lock))).sequence;
        let findings = story.findings();
        story.records.clear();
        (sequence, findings.iter().map(|finding| finding.reason.clone()).collect::<Vec<_>>())
    };
    for (level, minutes) in [(1, 1), (2, 5), (3, 15), (4, 60), (5, 60)] {
        assert_eq!(see(4 + level, level, minutes).1, Vec::<String>::new());
    }
    assert_eq!(see(6, 2, 1).1, ["a lock of level 2 lasts 60000 ms, and not 300000 ms"]);
    assert_eq!(see(4, 1, 1).1, ["a lock of level 1 after 4 failures, and not 5"]);
}
