use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use comanda_domain::{
    Admission, AttemptId, AttemptOutcome, Email, LockoutPolicy, LockoutState, Timestamp,
    ports::{Clock, Lockouts, Unavailable},
};
use tokio::time::Instant;

use crate::outage::Outage;

/// Lockouts that continue in this process's memory, by the same policy, while the ones that all servers share are out
/// of reach. The two do not know what the other has counted, so in the meantime the policy limits guessing per server.
pub struct LocalLockouts {
    shared: Arc<dyn Lockouts>,
    outage: Outage,
    policy: LockoutPolicy,
    patience: Duration,
    clock: Arc<dyn Clock>,
    states: Mutex<HashMap<Email, LockoutState>>,
}

impl LocalLockouts {
    /// How many addresses are remembered. When the map is full, addresses that are not locked are forgotten.
    const CAPACITY: usize = 100_000;

    pub fn beside(shared: Arc<dyn Lockouts>, policy: LockoutPolicy, patience: Duration, clock: Arc<dyn Clock>) -> Self {
        let outage = Outage::of("lockouts");
        Self { shared, outage, policy, patience, clock, states: Mutex::default() }
    }

    fn with_state<T>(&self, email: &Email, step: impl FnOnce(&LockoutPolicy, &mut LockoutState, Timestamp) -> T) -> T {
        let now = self.clock.now();
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        if states.len() >= Self::CAPACITY {
            states.retain(|_, state| self.policy.lock(state, now).is_some());
        }
        let state = states.entry(email.clone()).or_default();
        let result = step(&self.policy, state, now);
        if state.is_clear() {
            states.remove(email);
        }
        result
    }

    async fn begin_locally(&self, email: &Email, id: AttemptId) -> Admission {
        let end = Instant::now() + self.patience;
        loop {
            let admission = self.with_state(email, |policy, state, now| policy.begin(state, id, now));
            if admission != Admission::Busy || Instant::now() >= end {
                return admission;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn has_state(&self, email: &Email) -> bool {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).contains_key(email)
    }
}

#[async_trait]
impl Lockouts for LocalLockouts {
    async fn begin(&self, email: &Email, id: AttemptId) -> Result<Admission, Unavailable> {
        // A lock that was set here while the shared lockouts were out of reach stays in force here until it ends.
        if self.has_state(email)
            && let Some(lock) = self.with_state(email, LockoutPolicy::lock)
        {
            return Ok(Admission::Locked(lock));
        }
        match self.outage.call(self.shared.begin(email, id)).await {
            Some(admission) => Ok(admission),
            None => Ok(self.begin_locally(email, id).await),
        }
    }

    async fn settle(&self, email: &Email, id: AttemptId, outcome: AttemptOutcome) -> Result<(), Unavailable> {
        // Settle it in both places: the one where the attempt did not begin ignores its id and learns only of a
        // success.
        if self.has_state(email) {
            self.with_state(email, |policy, state, now| policy.settle(state, id, outcome, now));
        }
        self.outage.call(self.shared.settle(email, id, outcome)).await;
        Ok(())
    }

    async fn unlock(&self, email: &Email) -> Result<(), Unavailable> {
        self.with_state(email, LockoutPolicy::unlock);
        self.shared.unlock(email).await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::{MockClock, MockLockouts};
    use uuid::Uuid;

    use super::*;

    fn lockouts(shared: MockLockouts) -> LocalLockouts {
        let mut clock = MockClock::new();
        clock.expect_now().returning(|| Timestamp::from_timestamp(1_790_000_000, 0).expect("in range"));
        LocalLockouts::beside(Arc::new(shared), LockoutPolicy::default(), Duration::from_millis(50), Arc::new(clock))
    }

    fn email() -> Email {
        Email::new("ana@example.org").expect("an address")
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
            assert_eq!(lockouts.begin(&email(), id).await.expect("a response"), Admission::Allowed);
            lockouts.settle(&email(), id, AttemptOutcome::Failure).await.expect("a response");
        }
        let sixth = lockouts.begin(&email(), AttemptId::new(Uuid::from_u128(5))).await.expect("a response");
        assert!(matches!(sixth, Admission::Locked(lock) if lock.attempts == 5 && lock.level == 1));
    }

    #[tokio::test]
    async fn the_shared_one_decides_while_it_responds() {
        let mut shared = MockLockouts::new();
        shared.expect_begin().times(20).returning(|_, _| Ok(Admission::Allowed));
        let lockouts = lockouts(shared);
        for n in 0..20 {
            lockouts.begin(&email(), AttemptId::new(Uuid::from_u128(n))).await.expect("a response");
        }
    }
}
