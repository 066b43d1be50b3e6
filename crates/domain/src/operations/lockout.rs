//! The lockout policy: when wrong passwords lock an address, and for how long.
//!
//! An attempt is announced before the password is checked and settled afterwards, so that failures plus attempts in
//! flight never exceed the allowance, however many arrive at once. The caller passes the time, in whole milliseconds.

use chrono::TimeDelta;
use uuid::Uuid;

use crate::{Email, Timestamp, names::names};

/// How many wrong passwords lock an address, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockoutPolicy {
    /// The failures that lock for the first time. With none free the first failure locks, as it does with one.
    pub free_failures: u32,
    /// The first failures count together while they lie within this.
    pub window: TimeDelta,
    /// How long the first lock lasts, the second, and so on; the last is repeated.
    pub steps: [TimeDelta; 4],
    /// The state is reset after this long without a failure.
    pub quiet: TimeDelta,
    /// An attempt that was not settled within this time counts as a failure: its server has died.
    pub attempt_lifetime: TimeDelta,
}

impl Default for LockoutPolicy {
    /// Five failures, then 1 min, 5 min, 15 min, 1 h; forgotten after 24 h.
    fn default() -> Self {
        Self {
            free_failures: 5,
            window: TimeDelta::hours(24),
            steps: [1, 5, 15, 60].map(TimeDelta::minutes),
            quiet: TimeDelta::hours(24),
            attempt_lifetime: TimeDelta::seconds(10),
        }
    }
}

/// Identifies an attempt from its announcement to its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(Uuid);

impl AttemptId {
    /// Any UUID that no other attempt has.
    pub const fn new(id: Uuid) -> Self {
        Self(id)
    }

    /// The UUID.
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

/// A device that its account has signed in from before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(Uuid);

impl DeviceId {
    /// Any UUID that no other device has.
    pub const fn new(id: Uuid) -> Self {
        Self(id)
    }

    /// The UUID.
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

/// Who claims to own an address. All strangers share one allowance; each device that is known to the account has its
/// own, so that strangers cannot lock out the owner
/// (<https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies>).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claimant {
    /// The address.
    pub email: Email,
    /// `None`: a stranger.
    pub device: Option<DeviceId>,
}

impl Claimant {
    /// Somebody who has not signed in from this device before.
    pub const fn stranger(email: Email) -> Self {
        Self { email, device: None }
    }

    /// Somebody at a device from which the account has signed in before.
    pub const fn known(email: Email, device: DeviceId) -> Self {
        Self { email, device: Some(device) }
    }

    /// The same with the address by which attempts are counted ([`Email::in_one_form`]), however it is stored.
    #[must_use]
    pub fn in_one_form(&self) -> Self {
        Self { email: self.email.in_one_form(), device: self.device }
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The password was right: the state is reset.
    Success,
    /// The password was right, as long ago as this; nobody could be told at the time. The state is reset unless all
    /// failures are later, by more than the lifetime of an attempt if this one may have been given up. Told again after
    /// that lifetime, it forgives once more at most.
    EarlierSuccess(TimeDelta),
    /// The password was wrong.
    Failure,
    /// The password was never checked: nothing counts.
    NotChecked,
}

names! {
    /// Why an account is locked.
    pub enum LockReason {
        /// All free failures were used up.
        TooManyFailures = "too_many_failures",
        /// The first attempt after a lock failed as well.
        FailedAgainAfterLock = "failed_again_after_lock",
    }

    /// The text names no reason for a lock.
    pub struct NotALockReason("unknown reason; there are: too_many_failures, failed_again_after_lock");
}

impl LockReason {
    /// The reason of a lock of this level.
    pub const fn of_level(level: u32) -> Self {
        if level <= 1 { Self::TooManyFailures } else { Self::FailedAgainAfterLock }
    }
}

/// A lock as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Failures since everything was last forgotten.
    pub attempts: u32,
    /// 1 for the first lock, one more for each that follows.
    pub level: u32,
    /// When the first of the failures was.
    pub first_failed_at: Timestamp,
    /// When the lock began.
    pub locked_at: Timestamp,
    /// When the lock ends by itself.
    pub unlock_at: Timestamp,
}

impl Lock {
    /// Why the address is locked.
    pub const fn reason(&self) -> LockReason {
        LockReason::of_level(self.level)
    }
}

/// A locked address. It need not have an account: those that have none lock just the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedAddress {
    /// The address.
    pub email: Email,
    /// Its lock.
    pub lock: Lock,
}

/// Whether an attempt may check its password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may, and must be settled afterwards.
    Allowed,
    /// Attempts in flight might use up the allowance. Ask again when they have ended.
    Busy,
    /// It may not: the address is locked.
    Locked(Lock),
}

/// What is known of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LockoutState {
    /// Failures since everything was last forgotten.
    attempts: u32,
    /// Those of them that count towards the first lock.
    counted: u32,
    level: u32,
    first_failed_at: Option<Timestamp>,
    last_failed_at: Option<Timestamp>,
    /// When the counting towards the first lock began.
    counting_since: Option<Timestamp>,
    lock: Option<(Timestamp, Timestamp)>,
    in_flight: Vec<(AttemptId, Timestamp)>,
}

impl LockoutPolicy {
    /// Announces an attempt.
    pub fn begin(&self, state: &mut LockoutState, id: AttemptId, now: Timestamp) -> Admission {
        self.catch_up(state, now);
        if let Some(lock) = state.lock_at(now) {
            return Admission::Locked(lock);
        }
        let (allowed, used) = if state.level == 0 { (self.free_failures.max(1), state.counted) } else { (1, 0) };
        if used as usize + state.in_flight.len() >= allowed as usize {
            return Admission::Busy;
        }
        state.in_flight.push((id, now));
        Admission::Allowed
    }

    /// Settles an attempt. A failure that was already counted, because the attempt took too long, is not counted again.
    pub fn settle(&self, state: &mut LockoutState, id: AttemptId, outcome: AttemptOutcome, now: Timestamp) {
        self.catch_up(state, now);
        let known = state.in_flight.iter().position(|(known, _)| *known == id);
        if let Some(position) = known {
            state.in_flight.remove(position);
        }
        match outcome {
            AttemptOutcome::Success => state.forget(),
            AttemptOutcome::EarlierSuccess(ago) => {
                // The attempt itself may have been given up since, and be the first of the failures.
                let own_failure = if known.is_some() { TimeDelta::zero() } else { self.attempt_lifetime };
                if state.first_failed_at.is_none_or(|first| now - first + own_failure >= ago) {
                    state.forget();
                }
            }
            AttemptOutcome::Failure if known.is_some() => self.fail(state, now),
            AttemptOutcome::Failure | AttemptOutcome::NotChecked => {}
        }
    }

    /// The lock, if there is one now.
    pub fn lock(&self, state: &mut LockoutState, now: Timestamp) -> Option<Lock> {
        self.catch_up(state, now);
        state.lock_at(now)
    }

    /// An admin opens the account again.
    pub fn unlock(&self, state: &mut LockoutState, now: Timestamp) {
        self.catch_up(state, now);
        state.forget();
    }

    /// Takes over a lock that was set where this state was not known. A lock that lasts longer stays.
    pub fn adopt(&self, state: &mut LockoutState, lock: Lock, now: Timestamp) {
        self.catch_up(state, now);
        let own_end = state.lock.map_or(now, |(_, unlock_at)| unlock_at.max(now));
        if lock.unlock_at <= own_end || lock.locked_at + self.quiet <= now {
            return;
        }
        let first = state.first_failed_at.map_or(lock.first_failed_at, |first| first.min(lock.first_failed_at));
        state.first_failed_at = Some(first);
        state.last_failed_at = Some(state.last_failed_at.map_or(lock.locked_at, |last| last.max(lock.locked_at)));
        state.counting_since.get_or_insert(first);
        state.attempts = state.attempts.max(lock.attempts);
        state.level = state.level.max(lock.level);
        state.lock = Some((lock.locked_at, lock.unlock_at));
    }

    /// Applies what has happened by itself since the last call.
    fn catch_up(&self, state: &mut LockoutState, now: Timestamp) {
        // In the order in which it happened: they were announced one after the other.
        while let Some((_, begun)) = state.in_flight.first().copied()
            && begun + self.attempt_lifetime <= now
        {
            let ended = begun + self.attempt_lifetime;
            self.forget_if_quiet(state, ended);
            state.in_flight.remove(0);
            self.fail(state, ended);
        }
        self.forget_if_quiet(state, now);
    }

    fn forget_if_quiet(&self, state: &mut LockoutState, at: Timestamp) {
        if state.last_failed_at.is_some_and(|last| last + self.quiet <= at) {
            state.forget();
        }
    }

    fn fail(&self, state: &mut LockoutState, at: Timestamp) {
        if state.counting_since.is_none_or(|since| since + self.window <= at) {
            state.counting_since = Some(at);
            state.counted = 0;
        }
        state.attempts += 1;
        state.counted += 1;
        state.first_failed_at.get_or_insert(at);
        state.last_failed_at = Some(at);
        if state.level > 0 || state.counted >= self.free_failures.max(1) {
            let step = self.steps[(state.level as usize).min(self.steps.len() - 1)];
            state.level += 1;
            state.lock = Some((at, at + step));
        }
    }
}

impl LockoutState {
    /// Nothing to remember.
    pub fn is_clear(&self) -> bool {
        *self == Self::default()
    }

    /// Attempts in flight stay: how they end is not known yet.
    fn forget(&mut self) {
        *self = Self { in_flight: std::mem::take(&mut self.in_flight), ..Self::default() };
    }

    fn lock_at(&self, now: Timestamp) -> Option<Lock> {
        let (locked_at, unlock_at) = self.lock.filter(|(_, unlock_at)| now < *unlock_at)?;
        let first_failed_at = self.first_failed_at.unwrap_or(locked_at);
        Some(Lock { attempts: self.attempts, level: self.level, first_failed_at, locked_at, unlock_at })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_timestamp_millis(1_790_000_000_000 + milliseconds).expect("in range")
    }

    fn id(n: u128) -> AttemptId {
        AttemptId::new(Uuid::from_u128(n))
    }

    /// Makes one attempt at that moment, which fails.
    fn fail(policy: &LockoutPolicy, state: &mut LockoutState, now: Timestamp) -> Admission {
        let admission = policy.begin(state, id(1), now);
        if admission == Admission::Allowed {
            policy.settle(state, id(1), AttemptOutcome::Failure, now);
        }
        admission
    }

    #[test]
    fn the_ladder_to_the_millisecond() {
        let (policy, mut state) = (LockoutPolicy::default(), LockoutState::default());
        let mut now = 0;
        for _ in 0..5 {
            assert_eq!(fail(&policy, &mut state, at(now)), Admission::Allowed);
        }
        for (level, minutes) in (1..).zip([1, 5, 15, 60, 60, 60]) {
            let end = now + minutes * 60_000;
            let expected =
                Lock { attempts: 4 + level, level, first_failed_at: at(0), locked_at: at(now), unlock_at: at(end) };
            assert_eq!(fail(&policy, &mut state, at(now)), Admission::Locked(expected));
            assert_eq!(fail(&policy, &mut state, at(end - 1)), Admission::Locked(expected), "and not prolonged");
            now = end;
            assert_eq!(fail(&policy, &mut state, at(now)), Admission::Allowed, "after {minutes} min");
        }
    }

    #[test]
    fn a_lock_from_elsewhere_is_taken_over_unless_it_ends_sooner() {
        let policy = LockoutPolicy::default();
        let elsewhere =
            |end| Lock { attempts: 6, level: 2, first_failed_at: at(-9), locked_at: at(0), unlock_at: at(end) };
        let mut state = LockoutState::default();
        policy.adopt(&mut state, elsewhere(0), at(0));
        assert!(state.is_clear(), "it has ended");
        policy.adopt(&mut state, elsewhere(300_000), at(1));
        policy.adopt(&mut state, elsewhere(200_000), at(1));
        assert_eq!(policy.lock(&mut state, at(299_999)), Some(elsewhere(300_000)));
        assert_eq!(fail(&policy, &mut state, at(300_000)), Admission::Allowed);
        let next = policy.lock(&mut state, at(300_000)).expect("locked again");
        assert_eq!((next.attempts, next.level, next.first_failed_at), (7, 3, at(-9)), "the ladder goes on");
    }

    #[test]
    fn with_no_free_failures_the_bare_ladder_remains() {
        let policy = LockoutPolicy { free_failures: 0, ..LockoutPolicy::default() };
        let mut state = LockoutState::default();
        assert_eq!(fail(&policy, &mut state, at(0)), Admission::Allowed);
        assert!(matches!(fail(&policy, &mut state, at(59_999)), Admission::Locked(lock) if lock.level == 1));
        assert_eq!(fail(&policy, &mut state, at(60_000)), Admission::Allowed);
        assert!(matches!(fail(&policy, &mut state, at(359_999)), Admission::Locked(lock) if lock.level == 2));
    }

    #[test]
    fn success_an_unlock_and_a_quiet_day_forget_everything() {
        let policy = LockoutPolicy::default();
        for forget in 0..3 {
            let mut state = LockoutState::default();
            for _ in 0..4 {
                fail(&policy, &mut state, at(0));
            }
            let later = match forget {
                0 => {
                    policy.begin(&mut state, id(2), at(1));
                    policy.settle(&mut state, id(2), AttemptOutcome::Success, at(1));
                    at(1)
                }
                1 => {
                    fail(&policy, &mut state, at(0));
                    policy.unlock(&mut state, at(1));
                    at(1)
                }
                _ => at(24 * 3_600_000),
            };
            assert_eq!(policy.lock(&mut state, later), None);
            assert!(state.is_clear(), "{forget}");
        }
    }

    #[test]
    fn a_success_that_is_told_late_forgives_only_what_was_before_it_and_its_own_attempt() {
        let policy = LockoutPolicy::default();
        let told = |state: &mut LockoutState, now, ago| {
            policy.settle(state, id(9), AttemptOutcome::EarlierSuccess(TimeDelta::milliseconds(ago)), at(now));
        };
        let mut state = LockoutState::default();
        fail(&policy, &mut state, at(0));
        policy.begin(&mut state, id(9), at(1));
        for now in [20_000, 21_000] {
            fail(&policy, &mut state, at(now));
        }
        assert_eq!(state.attempts, 4, "three, and the attempt that was given up");
        told(&mut state, 22_000, 21_998);
        assert!(state.is_clear(), "one was before it");

        policy.begin(&mut state, id(9), at(30_000));
        told(&mut state, 45_000, 14_000);
        assert!(state.is_clear(), "only the attempt itself had counted");

        let lock = (0..5).map(|n| fail(&policy, &mut state, at(60_000 + n))).last();
        assert_eq!(lock, Some(Admission::Allowed));
        let lock = policy.lock(&mut state, at(61_000)).expect("five failures");
        told(&mut state, 61_000, 11_001);
        assert_eq!(policy.lock(&mut state, at(61_000)), Some(lock), "all were later, whichever attempt it was");
    }

    #[test]
    fn a_success_that_is_told_again_and_again_forgives_once() {
        let (policy, mut state) = (LockoutPolicy::default(), LockoutState::default());
        policy.begin(&mut state, id(9), at(0));
        fail(&policy, &mut state, at(0));
        for now in (11_000..15_000).step_by(1000) {
            let ago = TimeDelta::milliseconds(now - 1);
            policy.settle(&mut state, id(9), AttemptOutcome::EarlierSuccess(ago), at(now));
            fail(&policy, &mut state, at(now));
        }
        assert_eq!(state.attempts, 4, "those since it was told first");
    }

    #[test]
    fn attempts_in_flight_use_up_what_is_allowed_and_give_it_back() {
        let (policy, mut state) = (LockoutPolicy::default(), LockoutState::default());
        for n in 0..5 {
            assert_eq!(policy.begin(&mut state, id(n), at(0)), Admission::Allowed);
        }
        assert_eq!(policy.begin(&mut state, id(5), at(0)), Admission::Busy);
        policy.settle(&mut state, id(0), AttemptOutcome::Failure, at(1));
        assert_eq!(policy.begin(&mut state, id(5), at(1)), Admission::Busy, "a failure gives nothing back");
        policy.settle(&mut state, id(1), AttemptOutcome::NotChecked, at(1));
        assert_eq!(policy.begin(&mut state, id(5), at(1)), Admission::Allowed);
        policy.settle(&mut state, id(2), AttemptOutcome::Success, at(1));
        assert_eq!(policy.begin(&mut state, id(6), at(1)), Admission::Allowed);
        assert_eq!(policy.begin(&mut state, id(7), at(1)), Admission::Allowed);
        assert_eq!(policy.begin(&mut state, id(8), at(1)), Admission::Busy);
    }

    #[test]
    fn an_attempt_whose_server_died_counts_as_a_failure() {
        let (policy, mut state) = (LockoutPolicy::default(), LockoutState::default());
        for n in 0..5 {
            policy.begin(&mut state, id(n), at(0));
        }
        assert_eq!(policy.lock(&mut state, at(9_999)), None);
        let lock = policy.lock(&mut state, at(10_000)).expect("five failures");
        assert_eq!((lock.locked_at, lock.unlock_at), (at(10_000), at(70_000)));
        policy.settle(&mut state, id(0), AttemptOutcome::Failure, at(11_000));
        assert_eq!(policy.lock(&mut state, at(11_000)), Some(lock), "and is not counted twice");
    }

    #[test]
    fn failures_far_apart_do_not_count_together() {
        let policy = LockoutPolicy { window: TimeDelta::minutes(15), ..LockoutPolicy::default() };
        let mut state = LockoutState::default();
        for n in 0..20 {
            assert_eq!(fail(&policy, &mut state, at(n * 5 * 60_000)), Admission::Allowed);
        }
    }

    proptest! {
        #[test]
        fn no_more_passwords_are_checked_than_the_policy_allows(
            events in prop::collection::vec((0_u8..4, 0_i64..30_000), 1..200),
            free in 0_u32..8,
        ) {
            // Nothing succeeds and nobody unlocks: whatever the interleaving, only so many attempts are admitted
            // between two locks.
            let policy = LockoutPolicy { free_failures: free, ..LockoutPolicy::default() };
            let (mut state, mut now, mut flying) = (LockoutState::default(), 0, Vec::new());
            let (mut admitted, mut locks) = (0_u32, 0_u32);
            for (n, (event, passes)) in events.into_iter().enumerate() {
                now += passes;
                if event == 0 && !flying.is_empty() {
                    policy.settle(&mut state, flying.remove(0), AttemptOutcome::Failure, at(now));
                } else if policy.begin(&mut state, id(n as u128), at(now)) == Admission::Allowed {
                    flying.push(id(n as u128));
                    admitted += 1;
                }
                locks = locks.max(state.level);
                prop_assert!(admitted <= free.max(1) + locks, "{} attempts, {} locks", admitted, locks);
            }
        }
    }
}
