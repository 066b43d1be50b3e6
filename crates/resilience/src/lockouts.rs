use std::{
    collections::{BTreeSet, HashSet},
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::TimeDelta;
use comanda_domain::{
    Admission, AttemptId, AttemptOutcome, Claimant, Email, Lock, LockedAddress, LockoutPolicy, LockoutState, Page,
    Timestamp,
    ports::{Clock, LockedAddressPosition, LockedAddresses, Lockouts, LockoutsQuery, Unavailable},
};
use lru::LruCache;
use tokio::time::Instant;

use crate::outage::Outage;

/// Lockouts that continue in this process's memory, by the same policy, while the ones that all servers share are out
/// of reach. The two do not know what the other has counted, so in the meantime the policy limits guessing per server.
/// Locks that were set here are handed over when the shared ones are back; see [`LocalLockouts::hand_over`].
pub struct LocalLockouts {
    shared: Arc<dyn Lockouts>,
    addresses: Arc<dyn LockedAddresses>,
    outage: Outage,
    policy: LockoutPolicy,
    patience: Duration,
    clock: Arc<dyn Clock>,
    states: Mutex<LruCache<Claimant, LockoutState>>,
    /// How attempts ended of which the shared lockouts could not be told.
    untold: Mutex<LruCache<AttemptId, Untold>>,
    /// Whether there may be a lock here that the shared lockouts do not know.
    to_hand_over: AtomicBool,
}

/// An attempt whose end the shared lockouts do not know.
#[derive(Clone)]
struct Untold {
    claimant: Claimant,
    outcome: AttemptOutcome,
    since: Instant,
}

impl Untold {
    /// The outcome as it is to be told now.
    fn outcome(&self) -> AttemptOutcome {
        match self.outcome {
            AttemptOutcome::Success => {
                let ago = TimeDelta::from_std(self.since.elapsed()).unwrap_or(TimeDelta::MAX);
                AttemptOutcome::EarlierSuccess(ago)
            }
            outcome => outcome,
        }
    }
}

impl LocalLockouts {
    /// How many claimants are remembered, and how many attempts whose end is still to be told. One more, and one that
    /// has not tried for a long time is forgotten.
    const CAPACITY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99_999);

    /// How many attempts are told of at once, one after the other, while locks wait.
    const TOLD_AT_ONCE: usize = 500;

    pub fn beside(
        shared: Arc<dyn Lockouts>,
        addresses: Arc<dyn LockedAddresses>,
        policy: LockoutPolicy,
        patience: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            shared,
            addresses,
            outage: Outage::of("lockouts"),
            policy,
            patience,
            clock,
            states: Mutex::new(LruCache::new(Self::CAPACITY)),
            untold: Mutex::new(LruCache::new(Self::CAPACITY)),
            to_hand_over: AtomicBool::new(false),
        }
    }

    /// Forgets here what led to a lock of the address, for strangers and for the account's devices. A lock that was set
    /// after `unlocked_at` stays. It forgets all failures that have not led to a lock, so it is to be called once for
    /// each unlock: whoever could have it repeated could guess on and on.
    pub fn lift_here(&self, email: &Email, unlocked_at: Timestamp) {
        let (now, email) = (self.clock.now(), email.in_one_form());
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address: Vec<Claimant> = states
            .iter()
            .filter(|(claimant, _)| claimant.email == email)
            .map(|(claimant, _)| claimant.clone())
            .collect();
        for claimant in of_address {
            if let Some(state) = states.peek_mut(&claimant) {
                if self.policy.lock(state, now).is_some_and(|lock| lock.locked_at > unlocked_at) {
                    continue;
                }
                self.policy.unlock(state, now);
                if state.is_clear() {
                    states.pop(&claimant);
                }
            }
        }
    }

    /// Lifts the lock of an address in the shared lockouts. `false`: they are out of reach.
    pub async fn lift_shared(&self, email: &Email) -> bool {
        self.outage.call(self.shared.unlock(email)).await.is_some()
    }

    /// Tells the shared lockouts how attempts ended meanwhile, some at a call: who has signed in, so that failures of
    /// before do not go on counting there, and whose password was not checked. Failures count by themselves.
    pub async fn tell_late(&self) {
        for _ in 0..Self::TOLD_AT_ONCE {
            let Some((id, untold)) = self.longest_untold() else { return };
            if self.outage.call(self.shared.settle(&untold.claimant, id, untold.outcome())).await.is_none() {
                return;
            }
            self.untold().pop(&id);
        }
    }

    /// Hands the locks that were set here over to the shared lockouts, so that all servers know them and an admin can
    /// see and lift them. What is out of reach still gets them at another call, and so do the addresses in `but_not`,
    /// each in its one form: an unlock of theirs, which would lift the lock, is still to reach the shared lockouts.
    pub async fn hand_over(&self, but_not: &BTreeSet<Email>) {
        if !self.to_hand_over.swap(false, Ordering::AcqRel) {
            return;
        }
        // A success of before would lift the lock if it were told after it.
        let untold: HashSet<Claimant> = self.untold().iter().map(|(_, untold)| untold.claimant.clone()).collect();
        for (claimant, lock) in self.locked_here() {
            if but_not.contains(&claimant.email) || untold.contains(&claimant) {
                self.to_hand_over.store(true, Ordering::Release);
                continue;
            }
            if self.outage.call(self.shared.adopt(&claimant, lock)).await.is_none() {
                self.to_hand_over.store(true, Ordering::Release);
                return;
            }
            self.with_state(&claimant, |policy, state, now| {
                if policy.lock(state, now) == Some(lock) {
                    policy.unlock(state, now);
                }
            });
        }
    }

    fn untold(&self) -> MutexGuard<'_, LruCache<AttemptId, Untold>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn longest_untold(&self) -> Option<(AttemptId, Untold)> {
        self.untold().peek_lru().map(|(id, untold)| (*id, untold.clone()))
    }

    fn locked_here(&self) -> Vec<(Claimant, Lock)> {
        let now = self.clock.now();
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let locks = states.iter_mut().map(|(claimant, state)| Some((claimant.clone(), self.policy.lock(state, now)?)));
        locks.flatten().collect()
    }

    fn with_state<T>(
        &self,
        claimant: &Claimant,
        step: impl FnOnce(&LockoutPolicy, &mut LockoutState, Timestamp) -> T,
    ) -> T {
        let now = self.clock.now();
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        if states.len() >= Self::CAPACITY.get() && !states.contains(claimant) {
            self.make_room(&mut states, now);
        }
        let state = states.get_or_insert_mut(claimant.clone(), LockoutState::default);
        let result = step(&self.policy, state, now);
        if self.policy.lock(state, now).is_some() {
            self.to_hand_over.store(true, Ordering::Release);
        }
        if state.is_clear() {
            states.pop(claimant);
        }
        result
    }

    /// Forgets the claimant that has not tried for the longest time, and rather one that is not locked; but it looks at
    /// few, so that a flood of addresses costs each of them the same.
    fn make_room(&self, states: &mut LruCache<Claimant, LockoutState>, now: Timestamp) {
        const LOOKED_AT: usize = 8;

        for _ in 1..LOOKED_AT {
            let Some((claimant, mut state)) = states.pop_lru() else { return };
            if self.policy.lock(&mut state, now).is_none() {
                return;
            }
            states.put(claimant, state);
        }
        states.pop_lru();
    }

    async fn begin_locally(&self, claimant: &Claimant, id: AttemptId) -> Admission {
        let end = Instant::now() + self.patience;
        loop {
            let admission = self.with_state(claimant, |policy, state, now| policy.begin(state, id, now));
            if admission != Admission::Busy || Instant::now() >= end {
                return admission;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn has_state(&self, claimant: &Claimant) -> bool {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).contains(claimant)
    }
}

#[async_trait]
impl Lockouts for LocalLockouts {
    async fn begin(&self, claimant: &Claimant, id: AttemptId) -> Result<Admission, Unavailable> {
        let claimant = &claimant.in_one_form();
        // A lock that was set here while the shared lockouts were out of reach stays in force here until it ends.
        if self.has_state(claimant)
            && let Some(lock) = self.with_state(claimant, LockoutPolicy::lock)
        {
            return Ok(Admission::Locked(lock));
        }
        match self.outage.call(self.shared.begin(claimant, id)).await {
            Some(admission) => Ok(admission),
            None => Ok(self.begin_locally(claimant, id).await),
        }
    }

    async fn settle(
        &self,
        claimant: &Claimant,
        id: AttemptId,
        outcome: AttemptOutcome,
    ) -> Result<Option<Lock>, Unavailable> {
        let claimant = &claimant.in_one_form();
        // Settle it in both places: the one where the attempt did not begin ignores its id and learns only of a
        // success.
        let mut lock = None;
        if self.has_state(claimant) {
            lock = self.with_state(claimant, |policy, state, now| {
                policy.settle(state, id, outcome, now);
                policy.lock(state, now).filter(|_| outcome == AttemptOutcome::Failure)
            });
        }
        let settled = self.outage.call(self.shared.settle(claimant, id, outcome)).await;
        // An attempt that is never settled counts as a failure there, which this one was.
        if settled.is_none() && outcome != AttemptOutcome::Failure {
            let untold = Untold { claimant: claimant.clone(), outcome, since: Instant::now() };
            self.untold().put(id, untold);
        }
        Ok(settled.flatten().or(lock))
    }

    async fn adopt(&self, claimant: &Claimant, lock: Lock) -> Result<(), Unavailable> {
        self.shared.adopt(claimant, lock).await
    }

    /// Fails if the shared lockouts are out of reach, so that whoever has it recorded repeats it.
    async fn unlock(&self, email: &Email) -> Result<(), Unavailable> {
        self.lift_here(email, self.clock.now());
        let reached = self.lift_shared(email).await;
        reached.then_some(()).ok_or_else(|| Unavailable::new("the shared lockouts are out of reach"))
    }
}

#[async_trait]
impl LockedAddresses for LocalLockouts {
    async fn find(&self, email: &Email) -> Result<Option<LockedAddress>, Unavailable> {
        let counted = email.in_one_form();
        let own = self.locked_here().into_iter().filter(|(claimant, _)| claimant.email == counted);
        // Strangers first: a claimant without a device is the least.
        if let Some((claimant, lock)) = own.min_by_key(|(claimant, _)| claimant.device) {
            return Ok(Some(LockedAddress { email: claimant.email, lock }));
        }
        let found = self.outage.call(self.addresses.find(email)).await;
        found.ok_or_else(|| Unavailable::new("the shared lockouts are out of reach"))
    }

    async fn list(&self, query: LockoutsQuery) -> Result<Page<LockedAddress, LockedAddressPosition>, Unavailable> {
        self.addresses.list(query).await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::{
        DeviceId,
        ports::{MockClock, MockLockedAddresses, MockLockouts},
    };
    use uuid::Uuid;

    use super::*;

    fn lockouts(shared: MockLockouts) -> LocalLockouts {
        let mut clock = MockClock::new();
        clock.expect_now().returning(|| Timestamp::from_timestamp(1_790_000_000, 0).expect("in range"));
        let mut addresses = MockLockedAddresses::new();
        addresses.expect_find().returning(|_| Ok(None));
        let policy = LockoutPolicy::default();
        let (shared, addresses) = (Arc::new(shared), Arc::new(addresses));
        LocalLockouts::beside(shared, addresses, policy, Duration::from_millis(50), Arc::new(clock))
    }

    fn stranger() -> Claimant {
        Claimant::stranger(Email::new("ana@example.org").expect("an address"))
    }

    #[tokio::test]
    async fn the_same_policy_continues_when_the_shared_one_is_gone() {
        let mut shared = MockLockouts::new();
        // Called once, then left alone for a while.
        shared.expect_begin().once().returning(|_, _| Err(Unavailable::new("gone")));
        shared.expect_settle().never();
        let lockouts = lockouts(shared);
        for n in 0..5 {
            let id = AttemptId::new(Uuid::from_u128(n));
            assert_eq!(lockouts.begin(&stranger(), id).await.expect("a response"), Admission::Allowed);
            lockouts.settle(&stranger(), id, AttemptOutcome::Failure).await.expect("a response");
        }
        let sixth = lockouts.begin(&stranger(), AttemptId::new(Uuid::from_u128(5))).await.expect("a response");
        assert!(matches!(sixth, Admission::Locked(lock) if lock.attempts == 5 && lock.level == 1));

        let device = Claimant::known(stranger().email, DeviceId::new(Uuid::from_u128(1)));
        let owner = lockouts.begin(&device, AttemptId::new(Uuid::from_u128(6))).await.expect("a response");
        assert_eq!(owner, Admission::Allowed, "strangers do not lock out the owner");
    }

    #[tokio::test]
    async fn an_unlock_reaches_what_was_locked_here_devices_included() {
        let mut shared = MockLockouts::new();
        shared.expect_begin().returning(|_, _| Err(Unavailable::new("gone")));
        shared.expect_unlock().once().returning(|_| Ok(()));
        let lockouts = lockouts(shared);
        let device = Claimant::known(stranger().email, DeviceId::new(Uuid::from_u128(1)));
        for claimant in [&stranger(), &device] {
            for n in 0..5 {
                let id = AttemptId::new(Uuid::from_u128(n));
                lockouts.begin(claimant, id).await.expect("a response");
                let lock = lockouts.settle(claimant, id, AttemptOutcome::Failure).await.expect("a response");
                assert_eq!(lock.is_some(), n == 4, "the last failure locks");
            }
        }
        lockouts.outage.forget();
        lockouts.unlock(&stranger().email).await.expect("a response");
        for claimant in [&stranger(), &device] {
            let again = lockouts.begin(claimant, AttemptId::new(Uuid::from_u128(9))).await.expect("a response");
            assert_eq!(again, Admission::Allowed);
        }
    }

    #[tokio::test]
    async fn a_lock_is_found_and_lifted_by_whichever_spelling_is_stored() {
        let mut shared = MockLockouts::new();
        shared.expect_begin().returning(|_, _| Err(Unavailable::new("gone")));
        let lockouts = lockouts(shared);
        let typed = Email::attempt("ana@B\u{fc}cher.example").expect("an address");
        let stored = Email::stored("ana@xn--bcher-kva.example");
        let locked_at = lock_here(&lockouts, &Claimant::stranger(typed.clone())).await;
        assert!(lockouts.find(&stored).await.expect("known here").is_some());
        let again = lockouts.begin(&Claimant::stranger(stored.clone()), AttemptId::new(Uuid::nil())).await;
        assert!(matches!(again, Ok(Admission::Locked(_))));
        lockouts.lift_here(&stored, locked_at);
        assert!(!lockouts.has_state(&Claimant::stranger(typed)));
    }

    #[tokio::test]
    async fn what_was_locked_here_is_found_and_handed_over_once_and_then_forgotten() {
        let mut shared = MockLockouts::new();
        shared.expect_begin().once().returning(|_, _| Err(Unavailable::new("gone")));
        shared.expect_begin().once().returning(|_, _| Ok(Admission::Allowed));
        shared.expect_adopt().once().returning(|claimant, lock| {
            assert_eq!((claimant, lock.attempts, lock.level), (&stranger(), 5, 1));
            Ok(())
        });
        let lockouts = lockouts(shared);
        for n in 0..5 {
            let id = AttemptId::new(Uuid::from_u128(n));
            lockouts.begin(&stranger(), id).await.expect("a response");
            lockouts.settle(&stranger(), id, AttemptOutcome::Failure).await.expect("a response");
        }
        let found = lockouts.find(&stranger().email).await.expect("known here");
        assert_eq!(found.map(|address| address.lock.attempts), Some(5));
        let other = Email::new("ben@example.org").expect("an address");
        assert!(lockouts.find(&other).await.is_err(), "nobody knows while the shared ones are gone");

        lockouts.hand_over(&BTreeSet::new()).await;
        assert!(lockouts.has_state(&stranger()), "the shared ones are still out of reach");
        lockouts.outage.forget();
        for _ in 0..2 {
            lockouts.hand_over(&BTreeSet::new()).await;
            assert!(!lockouts.has_state(&stranger()), "the shared ones know it now");
        }
        let again = lockouts.begin(&stranger(), AttemptId::new(Uuid::from_u128(9))).await.expect("a response");
        assert_eq!(again, Admission::Allowed, "the shared ones decide");
    }

    #[tokio::test]
    async fn who_signed_in_and_who_was_not_checked_is_told_once_the_shared_lockouts_are_back() {
        let id = |n| AttemptId::new(Uuid::from_u128(n));
        let mut shared = MockLockouts::new();
        shared.expect_settle().times(4).returning(|_, _, _| Err(Unavailable::new("gone")));
        let told = Arc::new(Mutex::new(Vec::new()));
        let telling = Arc::clone(&told);
        shared.expect_settle().times(3).returning(move |claimant, id, outcome| {
            assert_eq!(claimant, &stranger());
            telling.lock().expect("not poisoned").push((id, outcome));
            Ok(None)
        });
        let lockouts = lockouts(shared);
        let ends =
            [AttemptOutcome::Success, AttemptOutcome::Failure, AttemptOutcome::NotChecked, AttemptOutcome::Success];
        for (n, outcome) in (0..).zip(ends) {
            lockouts.outage.forget();
            lockouts.settle(&stranger(), id(n), outcome).await.expect("a response");
        }
        lockouts.tell_late().await;
        assert!(told.lock().expect("not poisoned").is_empty(), "the shared ones are still out of reach");
        for _ in 0..2 {
            lockouts.outage.forget();
            lockouts.tell_late().await;
        }
        let told = told.lock().expect("not poisoned");
        assert_eq!(told.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [id(0), id(2), id(3)], "but no failure");
        assert_eq!(told[1].1, AttemptOutcome::NotChecked);
        assert!(matches!(told[0].1, AttemptOutcome::EarlierSuccess(_)) && told[2].1 != AttemptOutcome::Success);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_told_late_says_how_late_and_is_kept_until_it_was_heard() {
        let mut shared = MockLockouts::new();
        shared.expect_settle().once().returning(|_, _, _| Err(Unavailable::new("gone")));
        for seconds in [2, 5] {
            shared
                .expect_settle()
                .once()
                .withf(move |_, _, outcome| *outcome == AttemptOutcome::EarlierSuccess(TimeDelta::seconds(seconds)))
                .returning(move |_, _, _| if seconds == 5 { Ok(None) } else { Err(Unavailable::new("gone again")) });
        }
        let lockouts = lockouts(shared);
        let id = AttemptId::new(Uuid::from_u128(1));
        lockouts.settle(&stranger(), id, AttemptOutcome::Success).await.expect("a response");
        for wait in [2, 3, 4] {
            tokio::time::advance(Duration::from_secs(wait)).await;
            lockouts.outage.forget();
            lockouts.tell_late().await;
        }
    }

    #[tokio::test]
    async fn many_that_are_to_be_told_keep_no_lock_of_others_waiting_but_those_of_their_own() {
        let ben = Claimant::stranger(Email::new("ben@example.org").expect("an address"));
        let mut shared = MockLockouts::new();
        shared.expect_begin().returning(|_, _| Err(Unavailable::new("gone")));
        let is_back = Arc::new(AtomicBool::new(false));
        let answers = Arc::clone(&is_back);
        shared.expect_settle().returning(move |_, _, _| {
            answers.load(Ordering::Relaxed).then_some(None).ok_or_else(|| Unavailable::new("gone"))
        });
        shared.expect_adopt().times(2).returning(|_, _| Ok(()));
        let lockouts = lockouts(shared);
        let successes = LocalLockouts::TOLD_AT_ONCE + 1;
        for n in 0..successes {
            let id = AttemptId::new(Uuid::from_u128(n as u128));
            lockouts.settle(&stranger(), id, AttemptOutcome::Success).await.expect("a response");
        }
        lock_here(&lockouts, &stranger()).await;
        lock_here(&lockouts, &ben).await;
        is_back.store(true, Ordering::Relaxed);
        lockouts.outage.forget();
        for is_kept in [true, false] {
            lockouts.tell_late().await;
            lockouts.hand_over(&BTreeSet::new()).await;
            assert_eq!(lockouts.has_state(&stranger()), is_kept, "a success of before is still to be told");
            assert!(!lockouts.has_state(&ben));
        }
    }

    #[tokio::test]
    async fn an_unlock_that_does_not_reach_the_shared_lockouts_says_so_to_whoever_repeats_it() {
        let mut shared = MockLockouts::new();
        shared.expect_unlock().once().returning(|_| Err(Unavailable::new("gone")));
        shared.expect_unlock().once().returning(|_| Ok(()));
        let lockouts = lockouts(shared);
        assert!(lockouts.unlock(&stranger().email).await.is_err());
        assert!(!lockouts.lift_shared(&stranger().email).await, "still out of reach");
        lockouts.outage.forget();
        assert!(lockouts.lift_shared(&stranger().email).await);
    }

    /// Locks strangers out of the address, and says when.
    async fn lock_here(lockouts: &LocalLockouts, claimant: &Claimant) -> Timestamp {
        for n in 0..5 {
            let id = AttemptId::new(Uuid::from_u128(n));
            lockouts.begin(claimant, id).await.expect("a response");
            lockouts.settle(claimant, id, AttemptOutcome::Failure).await.expect("a response");
        }
        lockouts.with_state(claimant, LockoutPolicy::lock).expect("locked").locked_at
    }

    #[tokio::test]
    async fn an_unlock_that_arrives_late_lifts_no_later_lock() {
        let mut shared = MockLockouts::new();
        shared.expect_begin().returning(|_, _| Err(Unavailable::new("gone")));
        let lockouts = lockouts(shared);
        let locked_at = lock_here(&lockouts, &stranger()).await;
        lockouts.lift_here(&stranger().email, locked_at - Duration::from_millis(1));
        assert!(lockouts.has_state(&stranger()), "it was set afterwards");
        lockouts.lift_here(&stranger().email, locked_at);
        assert!(!lockouts.has_state(&stranger()));
    }

    #[tokio::test]
    async fn an_address_with_an_unfinished_unlock_does_not_keep_the_locks_of_others_here() {
        let ben = Claimant::stranger(Email::new("ben@example.org").expect("an address"));
        let mut shared = MockLockouts::new();
        shared.expect_begin().returning(|_, _| Err(Unavailable::new("gone")));
        shared.expect_adopt().times(2).returning(|_, _| Ok(()));
        let lockouts = lockouts(shared);
        lock_here(&lockouts, &stranger()).await;
        lock_here(&lockouts, &ben).await;
        lockouts.outage.forget();
        lockouts.hand_over(&BTreeSet::from([stranger().email])).await;
        assert!(lockouts.has_state(&stranger()) && !lockouts.has_state(&ben));
        lockouts.hand_over(&BTreeSet::new()).await;
        assert!(!lockouts.has_state(&stranger()));
    }

    #[test]
    fn a_flood_of_addresses_forgets_the_oldest_that_is_not_locked() {
        let lockouts = lockouts(MockLockouts::new());
        let fail = |claimant: &Claimant| {
            lockouts.with_state(claimant, |policy, state, now| {
                let id = AttemptId::new(Uuid::nil());
                if policy.begin(state, id, now) == Admission::Allowed {
                    policy.settle(state, id, AttemptOutcome::Failure, now);
                }
            });
        };
        for _ in 0..5 {
            fail(&stranger());
        }
        let nobody = |n: usize| Claimant::stranger(Email::new(&format!("nobody-{n}@example.org")).expect("an address"));
        for n in 0..LocalLockouts::CAPACITY.get() {
            fail(&nobody(n));
        }
        assert_eq!(lockouts.states.lock().expect("not poisoned").len(), LocalLockouts::CAPACITY.get());
        assert!(lockouts.with_state(&stranger(), LockoutPolicy::lock).is_some(), "a lock is kept");
        assert!(!lockouts.has_state(&nobody(0)), "the oldest");
        assert!(lockouts.has_state(&nobody(1)));
    }

    #[tokio::test]
    async fn the_shared_one_decides_while_it_responds() {
        let mut shared = MockLockouts::new();
        shared.expect_begin().times(20).returning(|_, _| Ok(Admission::Allowed));
        let lockouts = lockouts(shared);
        for n in 0..20 {
            lockouts.begin(&stranger(), AttemptId::new(Uuid::from_u128(n))).await.expect("a response");
        }
    }
}
