use comanda_proof::{Fault, LockShown, Outcome, Property::Locks, Request, Response, ServerId, Shown};

use crate::story::{SECOND, Story, done, ok, refused, unknown};

fn attempt(story: &mut Story, at: u64, right: bool, outcome: Outcome) -> u64 {
    attempt_with(story, at, Some(right), outcome)
}

fn attempt_with(story: &mut Story, at: u64, right: Option<bool>, outcome: Outcome) -> u64 {
    let email = "somebody@comanda.example".to_owned();
    let request = Request::SignIn { email, device: None, right };
    let time = at * SECOND..at * SECOND + SECOND / 10;
    story.call(1, time, request, outcome).sequence
}

fn wrong(story: &mut Story, at: u64) -> u64 {
    attempt(story, at, false, refused(401, "invalid-credentials"))
}

fn wrong_at_tenths(story: &mut Story, tenths: u64) -> u64 {
    let sequence = wrong(story, 0);
    let record = story.records.last_mut().unwrap();
    (record.begin, record.end) = (tenths * SECOND / 10, tenths * SECOND / 10 + 1);
    sequence
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
    assert_eq!(see(6, 2, 15).1, ["a lock of level 2 lasts 900000 ms, and not 300000 ms"]);
    assert_eq!(see(5, 0, 1).1, ["a lock of level 0 lasts 60000 ms, and not 60000 ms"]);
    assert_eq!(see(4, 1, 1).1, ["a lock of level 1 after 4 failures, and not 5"]);
}

#[test]
fn a_lock_that_one_server_set_by_itself_lasts_as_long_as_it_knew() {
    let reasons = |level, minutes: i64, seen_at: u64| {
        let mut story = Story::new();
        cannot_reach_lockouts(&mut story, 10);
        let lock = LockShown { attempts: 8, level, locked_at_ms: 0, unlock_at_ms: minutes * 60_000 };
        let request = Request::ReadLock { email: "somebody@comanda.example".to_owned() };
        story.call(2, seen_at * SECOND..seen_at * SECOND + 1, request, ok(200, Shown::Lock(lock)));
        story.findings().len()
    };
    assert_eq!([reasons(3, 1, 11), reasons(3, 5, 11), reasons(3, 15, 11)], [0; 3]);
    assert_eq!([reasons(3, 60, 11), reasons(3, 2, 11)], [1; 2], "no step of the ladder, or a later one");
    assert_eq!([reasons(3, 1, 9), reasons(3, 1, 80), reasons(3, 1, 82)], [1, 0, 1], "it was not alone");
}

fn redis_is_gone(story: &mut Story, from: u64, to: u64) -> u64 {
    story.call(9, from * SECOND..to * SECOND, Request::Fault { fault: Fault::Redis }, done()).sequence
}

fn cannot_reach_lockouts(story: &mut Story, at: u64) {
    let time = at * SECOND..at * SECOND + SECOND / 2;
    story.call(9, time, Request::Fault { fault: Fault::LockoutsAlone }, done());
}

fn five_wrong() -> Story {
    let mut story = Story::new();
    for at in 1..=5 {
        wrong(&mut story, at);
    }
    story
}

#[test]
fn a_lock_that_may_be_meant_is_good() {
    // It is settled later than its caller waits, and counts as a failure.
    let mut story = Story::new();
    for at in 1..=4 {
        wrong(&mut story, at);
    }
    attempt(&mut story, 5, false, unknown());
    locked(&mut story, 6, 61);
    locked(&mut story, 94, 1);
    story.is_good();
    // Of too many requests nothing is said.
    let mut story = Story::new();
    attempt(&mut story, 1, true, refused(429, "rate-limited"));
    story.is_good();
    // It was lifted at the same time, or perhaps, or changed a password that is not that of the lock.
    for lift in 0..3 {
        let mut story = five_wrong();
        attempt(&mut story, 0, true, done());
        match lift {
            0 => {
                unlock(&mut story, 8);
                story.records.last_mut().unwrap().end += SECOND / 20;
            }
            1 => {
                unlock(&mut story, 6);
                story.records.last_mut().unwrap().outcome = unknown();
            }
            _ => {
                story.call(1, 6 * SECOND..7 * SECOND, Request::ChangePassword, done());
            }
        }
        locked(&mut story, 8, 58);
        story.is_good();
    }
    // A success was on its way.
    let mut story = Story::new();
    for at in 1..=4 {
        wrong(&mut story, at);
    }
    let success = attempt(&mut story, 5, true, done());
    story.records[usize::try_from(success).unwrap()].end = 70 * SECOND;
    locked(&mut story, 68, 60);
    story.is_good();
}

#[test]
fn a_success_or_an_unlock_while_redis_is_gone_is_known_to_one_server() {
    for is_success in [true, false] {
        let mut story = five_wrong();
        redis_is_gone(&mut story, 6, 8);
        match is_success {
            true => attempt(&mut story, 7, true, done()),
            false => unlock(&mut story, 7),
        };
        locked(&mut story, 50, 15);
        story.is_good();
    }
    // A success is no failure,
    let mut story = Story::new();
    let success = attempt(&mut story, 1, true, done());
    for at in 2..=5 {
        wrong(&mut story, at);
    }
    let early = locked(&mut story, 10, 60);
    story.is_found(Locks, "after no more than 4 failures", &[success, early]);
    // but if it could not be settled where it was announced.
    let mut story = Story::new();
    for at in 1..=4 {
        wrong(&mut story, at);
    }
    redis_is_gone(&mut story, 5, 6);
    attempt(&mut story, 5, true, done());
    locked(&mut story, 40, 25);
    story.is_good();
    // Otherwise it is no failure.
    story.records.remove(4);
    story.is_found(Locks, "after no more than", &[4, 5].map(|place: usize| story.records[place].sequence));
}

#[test]
fn a_success_may_be_told_a_little_later() {
    let told_at = |at| {
        let mut story = Story::new();
        for at in 1..=4 {
            wrong(&mut story, at);
        }
        let success = attempt(&mut story, 5, true, done());
        wrong(&mut story, 6);
        (success, locked(&mut story, at, 60), story)
    };
    let (_, _, story) = told_at(7);
    story.is_good();
    let (success, early, mut story) = told_at(14);
    story.is_found(Locks, "after no more than 1 failures", &[success, early]);
    // Told at 12, it lifts the lock, and the count begins anew.
    story.records.pop();
    cannot_reach_lockouts(&mut story, 5);
    for at in 12..=16 {
        wrong(&mut story, at);
    }
    story.is_good();
    let late = [17, 18, 19].map(|at| wrong(&mut story, at));
    let found = story.findings();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].records.iter().any(|record| record.sequence == late[2]), "{found:?}");
}

#[test]
fn what_a_server_did_not_tell_before_it_ended_is_told_by_nobody() {
    for (ended_at, is_good) in [(3, false), (12, true), (14, false)] {
        let mut story = Story::new();
        for at in 1..=4 {
            wrong(&mut story, at);
        }
        let success = attempt(&mut story, 5, true, done());
        let ended = Request::Fault { fault: Fault::ServerEnded };
        story.call(9, ended_at * SECOND..(ended_at + 1) * SECOND, ended, done());
        wrong(&mut story, 20);
        let early = locked(&mut story, 21, 60);
        if is_good {
            story.is_good();
        } else {
            story.is_found(Locks, "after no more than 1 failures", &[success, early]);
        }
    }
}

#[test]
fn the_end_of_another_server_leaves_nothing_untold() {
    for (ended, is_good) in [(Some(ServerId(1)), true), (Some(ServerId(2)), false), (None, true)] {
        let mut story = Story::new();
        for at in 1..=4 {
            wrong(&mut story, at);
        }
        let success = attempt(&mut story, 5, true, done());
        let fault = Request::Fault { fault: Fault::ServerEnded };
        story.call(9, 12 * SECOND..13 * SECOND, fault, done()).server = ended;
        wrong(&mut story, 20);
        let early = locked(&mut story, 21, 60);
        if is_good {
            story.is_good();
        } else {
            story.is_found(Locks, "after no more than 1 failures", &[success, early]);
        }
    }
}

#[test]
fn a_sign_in_that_is_told_late_forgives_twice() {
    let mut story = Story::new();
    attempt(&mut story, 1, true, done());
    cannot_reach_lockouts(&mut story, 1);
    for tenths in (20..90).step_by(5).chain([90]) {
        wrong_at_tenths(&mut story, tenths);
    }
    story.is_good();
    let sixteenth = wrong_at_tenths(&mut story, 95);
    let shown_by: Vec<u64> = (sixteenth - 5..=sixteenth).collect();
    story.is_found(Locks, "after 5 failures another password was checked", &shown_by);
}

#[test]
fn a_sign_in_of_which_nobody_heard_forgives_when_it_is_settled_and_when_it_is_told() {
    for (is_told_late, last) in [(false, 11), (true, 21)] {
        let mut story = five_wrong();
        attempt(&mut story, 6, true, unknown());
        if is_told_late {
            cannot_reach_lockouts(&mut story, 6);
        }
        for at in 7..=last {
            wrong(&mut story, at);
        }
        story.is_good();
        let late = wrong(&mut story, last + 1);
        let shown_by: Vec<u64> = (late - 5..=late).collect();
        story.is_found(Locks, "after 5 failures another password was checked", &shown_by);
    }
}

#[test]
fn a_right_password_of_an_account_that_changes_may_be_refused_and_forgives() {
    for (right, is_good) in [(None, true), (Some(false), false)] {
        let mut story = Story::new();
        for at in 1..=4 {
            wrong(&mut story, at);
        }
        attempt_with(&mut story, 5, right, refused(401, "invalid-credentials"));
        let shown_by: Vec<u64> = (1..=5).map(|n| wrong(&mut story, 5 + n)).collect();
        if is_good {
            story.is_good();
            // Or it was wrong.
            locked(&mut story, 11, 60);
            story.is_good();
        } else {
            story.is_found(Locks, "after 5 failures another password was checked", &[0, 1, 2, 3, 4, shown_by[0]]);
        }
    }
}

#[test]
fn every_server_lifts_what_was_unlocked_a_little_later() {
    let mut story = five_wrong();
    unlock(&mut story, 8);
    for at in 9..=17 {
        wrong(&mut story, at);
    }
    story.is_good();
    let late = wrong(&mut story, 18);
    let shown_by: Vec<u64> = (late - 5..=late).collect();
    story.is_found(Locks, "after 5 failures another password was checked", &shown_by);
}

#[test]
fn an_unlock_does_not_let_anybody_guess_on() {
    let mut story = five_wrong();
    unlock(&mut story, 8);
    for n in 0..60 {
        let last = wrong(&mut story, 9);
        let record = &mut story.records[usize::try_from(last).unwrap()];
        (record.begin, record.end) = (9 * SECOND + n * SECOND / 50, 9 * SECOND + n * SECOND / 50 + 1);
    }
    let found = story.findings();
    assert!(found[0].reason.starts_with("after 5 failures another password was checked"), "{found:?}");
}

#[test]
fn a_server_keeps_its_own_count_of_what_another_has_forgiven() {
    for (gone, is_good) in [(true, true), (false, false)] {
        let mut story = Story::new();
        if gone {
            redis_is_gone(&mut story, 10, 13);
        }
        for at in 10..=13 {
            wrong(&mut story, at);
        }
        let success = attempt(&mut story, 25, true, done());
        redis_is_gone(&mut story, 60, 63);
        wrong(&mut story, 61);
        let early = locked(&mut story, 62, 60);
        if is_good {
            story.is_good();
        } else {
            story.is_found(Locks, "after no more than 1 failures", &[success, early]);
        }
    }
}

#[test]
fn a_server_that_cannot_reach_the_lockouts_of_all_goes_by_its_own() {
    for (asked, is_good) in [(ServerId(1), true), (ServerId(2), false)] {
        let mut story = five_wrong();
        cannot_reach_lockouts(&mut story, 11);
        let sixth = wrong(&mut story, 11);
        story.records.last_mut().unwrap().server = Some(asked);
        if is_good {
            story.is_good();
        } else {
            story.is_found(Locks, "after 5 failures another password was checked", &[0, 1, 2, 3, 4, sixth]);
        }
    }
}

#[test]
fn what_redis_confirmed_before_it_was_killed_may_be_forgotten() {
    for (killed_at, is_good) in [(8, true), (9, false)] {
        let mut story = Story::new();
        for at in 1..=4 {
            wrong(&mut story, at);
        }
        let success = attempt(&mut story, 5, true, done());
        redis_is_gone(&mut story, killed_at, killed_at + 1);
        wrong(&mut story, 15);
        let early = locked(&mut story, 16, 60);
        if is_good {
            story.is_good();
        } else {
            story.is_found(Locks, "after no more than 1 failures", &[success, early]);
        }
    }
}

#[test]
fn a_failure_that_could_not_be_told_counts_when_it_is_given_up() {
    let mut story = Story::new();
    for at in 1..=5 {
        wrong(&mut story, at);
    }
    let late = locked(&mut story, 70, 5);
    story.is_found(Locks, "was locked longer than the 60 s", &[late]);
    redis_is_gone(&mut story, 5, 6);
    story.is_good();
}

#[test]
fn what_redis_was_told_while_it_hung_counts_when_it_is_back() {
    for (at, is_good) in [(80, true), (95, false)] {
        let mut story = five_wrong();
        story.records.pop();
        redis_is_gone(&mut story, 5, 20);
        wrong(&mut story, 5);
        let late = locked(&mut story, at, 10);
        if is_good {
            story.is_good();
        } else {
            story.is_found(Locks, "was locked longer than the 60 s", &[late]);
        }
    }
}

#[test]
fn a_success_counts_as_a_failure_only_if_it_was_given_up_first() {
    for (lasts, is_good) in [(1, false), (9, true)] {
        let mut story = Story::new();
        let request = Request::SignIn { email: "somebody@comanda.example".to_owned(), device: None, right: Some(true) };
        let success = story.call(1, SECOND..(1 + lasts) * SECOND, request, done()).sequence;
        for at in 2..=5 {
            wrong(&mut story, at);
        }
        let early = locked(&mut story, 11, 60);
        if is_good {
            story.is_good();
        } else {
            story.is_found(Locks, "after no more than 4 failures", &[success, early]);
        }
    }
}

#[test]
fn the_latest_of_two_resets_counts() {
    let mut story = five_wrong();
    let long = unlock(&mut story, 0);
    story.records[usize::try_from(long).unwrap()].end = 20 * SECOND;
    let short = unlock(&mut story, 9);
    let late = locked(&mut story, 25, 30);
    story.is_found(Locks, "after no more than 0 failures", &[short, late]);
}

#[test]
fn failures_beside_a_reset_may_have_been_before_it_or_after() {
    // From 4 s to 8 s somebody signs in, and it may be told until 16 s, with or without an unlock meanwhile.
    for with_unlock in [false, true] {
        let mut story = Story::new();
        let success = attempt(&mut story, 4, true, done());
        story.records[usize::try_from(success).unwrap()].end = 8 * SECOND;
        if with_unlock {
            unlock(&mut story, 5);
        }
        for at in [4, 6, 7, 17, 18, 19, 20, 21] {
            wrong(&mut story, at);
        }
        story.is_good();
        let shown_by: Vec<u64> = story.records[story.records.len() - 5..].iter().map(|r| r.sequence).collect();
        let sixth = wrong(&mut story, 22);
        let shown_by = [shown_by, vec![sixth]].concat();
        story.is_found(Locks, "after 5 failures another password was checked", &shown_by);
    }
}

#[test]
fn what_may_have_opened_the_lock_late_begins_the_count_anew() {
    for (is_unlocked, last) in [(true, 15), (false, 14)] {
        let mut story = Story::new();
        attempt(&mut story, 0, true, done());
        for at in 1..=5 {
            wrong(&mut story, at);
        }
        if is_unlocked {
            unlock(&mut story, 6);
            story.records.last_mut().unwrap().outcome = unknown();
        } else {
            redis_is_gone(&mut story, 6, 7);
        }
        // It may have been done after three of these, before five.
        for at in 8..=last {
            wrong(&mut story, at);
        }
        story.is_good();
    }
}

#[test]
fn what_was_refused_or_cannot_have_been_right_opens_no_lock() {
    for open in 0..4 {
        let mut story = five_wrong();
        attempt(&mut story, 40, true, done());
        match open {
            0 => {
                unlock(&mut story, 6);
                story.records.last_mut().unwrap().outcome = refused(403, "forbidden");
            }
            1 => {
                story.call(1, 6 * SECOND..7 * SECOND, Request::ChangePassword, refused(422, "some"));
            }
            // Its failures are counted apart.
            2 => {
                story.call(1, 6 * SECOND..7 * SECOND, Request::ChangePassword, done());
            }
            _ => {
                attempt(&mut story, 6, false, unknown());
            }
        }
        let sixth = wrong(&mut story, 30);
        story.is_found(Locks, "after 5 failures another password was checked", &[0, 1, 2, 3, 4, sixth]);
    }
}

#[test]
fn clocks_may_differ_a_little_and_a_device_has_a_count_of_its_own() {
    let next = |begin: u64| {
        let mut story = five_wrong();
        let next = wrong(&mut story, 64);
        let record = &mut story.records[usize::try_from(next).unwrap()];
        (record.begin, record.end) = (begin, begin + 1);
        story
    };
    next(65 * SECOND - SECOND / 10).is_good();
    next(65 * SECOND - SECOND / 2).is_found(Locks, "after 5 failures another password", &[0, 1, 2, 3, 4, 5]);
    let late = |tenths: u64, seconds| {
        let mut story = five_wrong();
        let late = locked(&mut story, 6, seconds);
        story.records[usize::try_from(late).unwrap()].begin = tenths * SECOND / 10;
        story.records[usize::try_from(late).unwrap()].end = tenths * SECOND / 10 + 1;
        story
    };
    late(652, 1).is_good();
    late(654, 1).is_found(Locks, "was locked longer than the 60 s", &[5]);
    late(52, 61).is_good();
    late(52, 62).is_found(Locks, "is locked for 62 s", &[5]);

    let mut story = five_wrong();
    let known = wrong(&mut story, 6);
    let Request::SignIn { device, .. } = &mut story.records[usize::try_from(known).unwrap()].request else {
        unreachable!()
    };
    *device = Some(1);
    story.is_good();
}

#[test]
fn a_quiet_day_begins_the_ladder_anew() {
    let mut story = five_wrong();
    for at in 90_001..=90_005 {
        wrong(&mut story, at);
    }
    story.is_good();
}
