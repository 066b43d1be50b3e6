use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use comanda_domain::{
    Admission, AttemptId, AttemptOutcome, Claimant, Email, Lock, LockoutPolicy, LockoutState, Timestamp,
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
    states: Mutex<HashMap<Claimant, LockoutState>>,
}

impl LocalLockouts {
    /// How many claimants are remembered. When the map is full, those that are not locked are forgotten.
    const CAPACITY: usize = 100_000;

    pub fn beside(shared: Arc<dyn Lockouts>, policy: LockoutPolicy, patience: Duration, clock: Arc<dyn Clock>) -> Self {
        let outage = Outage::of("lockouts");
        Self { shared, outage, policy, patience, clock, states: Mutex::default() }
    }

    fn with_state<T>(
        &self,
        claimant: &Claimant,
        step: impl FnOnce(&LockoutPolicy, &mut LockoutState, Timestamp) -> T,
    ) -> T {
        let now = self.clock.now();
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        if states.len() >= Self::CAPACITY {
            states.retain(|_, state| self.policy.lock(state, now).is_some());
        }
        let state = states.entry(claimant.clone()).or_default();
        let result = step(&self.policy, state, now);
        if state.is_clear() {
            states.remove(claimant);
        }
        result
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

    /// For strangers and for the account's devices.
    fn unlock_locally(&self, email: &Email) {
        let now = self.clock.now();
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.retain(|claimant, state| {
            if claimant.email == *email {
                self.policy.unlock(state, now);
            }
            !state.is_clear()
        });
    }

    fn has_state(&self, claimant: &Claimant) -> bool {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).contains_key(claimant)
    }
}

#[async_trait]
impl Lockouts for LocalLockouts {
    async fn begin(&self, claimant: &Claimant, id: AttemptId) -> Result<Admission, Unavailable> {
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
        // Settle it in both places: the one where the attempt did not begin ignores its id and learns only of a
        // success.
        let mut lock = None;
        if self.has_state(claimant) {
            lock = self.with_state(claimant, |policy, state, now| {
                policy.settle(state, id, outcome, now);
                policy.lock(state, now).filter(|_| outcome == AttemptOutcome::Failure)
            });
        }
        Ok(self.outage.call(self.shared.settle(claimant, id, outcome)).await.flatten().or(lock))
    }

    async fn unlock(&self, email: &Email) -> Result<(), Unavailable> {
        self.unlock_locally(email);
        self.shared.unlock(email).await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::{
        DeviceId,
        ports::{MockClock, MockLockouts},
    };
    use uuid::Uuid;

    use super::*;

    fn lockouts(shared: MockLockouts) -> LocalLockouts {
        let mut clock = MockClock::new();
        clock.expect_now().returning(|| Timestamp::from_timestamp(1_790_000_000, 0).expect("in range"));
        LocalLockouts::beside(Arc::new(shared), LockoutPolicy::default(), Duration::from_millis(50), Arc::new(clock))
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
        lockouts.unlock(&stranger().email).await.expect("a response");
        for claimant in [&stranger(), &device] {
            let again = lockouts.begin(claimant, AttemptId::new(Uuid::from_u128(9))).await.expect("a response");
            assert_eq!(again, Admission::Allowed);
        }
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
