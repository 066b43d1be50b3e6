use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use comanda_domain::{
    Allowance, LimitedAction, LimitedParty, RateLimit, Timestamp,
    ports::{Clock, RateLimits, Unavailable},
};
use lru::LruCache;

use crate::outage::Outage;

/// When each party will have paid everything off.
type PaidOff = LruCache<(LimitedAction, LimitedParty), Timestamp>;

/// Rate limits that continue in this process's memory while the ones that all servers share are out of reach.
pub struct LocalRateLimits {
    shared: Arc<dyn RateLimits>,
    outage: Outage,
    limit: RateLimit,
    patience: Duration,
    clock: Arc<dyn Clock>,
    paid_off: Mutex<PaidOff>,
}

impl LocalRateLimits {
    /// How many parties are remembered. One more, and the one that has not acted for the longest time is forgotten.
    const CAPACITY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99_999);

    /// `what` names the limits in metrics and logs. The shared ones have `patience` to respond.
    pub fn beside(
        what: &'static str,
        shared: Arc<dyn RateLimits>,
        limit: RateLimit,
        patience: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let paid_off = Mutex::new(LruCache::new(Self::CAPACITY));
        Self { shared, outage: Outage::of(what), limit, patience, clock, paid_off }
    }

    async fn count_together(&self, action: LimitedAction, party: LimitedParty) -> Result<Allowance, Unavailable> {
        tokio::time::timeout(self.patience, self.shared.count(action, party)).await.map_err(Unavailable::new)?
    }

    fn count_locally(&self, action: LimitedAction, party: LimitedParty) -> Allowance {
        let now = self.clock.now();
        let mut paid_off = self.paid_off.lock().unwrap_or_else(PoisonError::into_inner);
        let (allowance, next) = self.limit.decide(paid_off.get(&(action, party)).copied(), now);
        paid_off.put((action, party), next);
        allowance
    }

    async fn give_back_together(&self, action: LimitedAction, party: LimitedParty) -> Result<(), Unavailable> {
        tokio::time::timeout(self.patience, self.shared.give_back(action, party)).await.map_err(Unavailable::new)?
    }

    fn give_back_locally(&self, action: LimitedAction, party: LimitedParty) {
        let mut paid_off = self.paid_off.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(paid_off_at) = paid_off.get_mut(&(action, party)) {
            *paid_off_at = self.limit.give_back(*paid_off_at);
        }
    }
}

#[async_trait]
impl RateLimits for LocalRateLimits {
    async fn count(&self, action: LimitedAction, party: LimitedParty) -> Result<Allowance, Unavailable> {
        match self.outage.call(self.count_together(action, party)).await {
            Some(allowance) => Ok(allowance),
            None => Ok(self.count_locally(action, party)),
        }
    }

    async fn give_back(&self, action: LimitedAction, party: LimitedParty) -> Result<(), Unavailable> {
        if self.outage.call(self.give_back_together(action, party)).await.is_none() {
            self.give_back_locally(action, party);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::{
        AccountId,
        ports::{MockClock, MockRateLimits},
    };
    use uuid::Uuid;

    use super::*;

    fn limits(shared: MockRateLimits) -> LocalRateLimits {
        let mut clock = MockClock::new();
        clock.expect_now().returning(|| Timestamp::from_timestamp(1_790_000_000, 0).expect("in range"));
        let limit = RateLimit::per_minute(3, 1);
        LocalRateLimits::beside("test", Arc::new(shared), limit, Duration::from_secs(1), Arc::new(clock))
    }

    fn party(n: u128) -> LimitedParty {
        AccountId::new(Uuid::from_u128(n)).into()
    }

    #[tokio::test]
    async fn the_limit_continues_when_the_shared_one_is_gone() {
        let mut shared = MockRateLimits::new();
        // Called once, then left alone for a while.
        shared.expect_count().once().returning(|_, _| Err(Unavailable::new("gone")));
        let limits = limits(shared);
        let mut refused = Vec::new();
        for _ in 0..4 {
            let allowance = limits.count(LimitedAction::PlaceOrder, party(1)).await.expect("an allowance");
            refused.push(allowance.retry_after.is_some());
        }
        assert_eq!(refused, [false, false, false, true]);
        limits.give_back(LimitedAction::PlaceOrder, party(1)).await.expect("it is given back");
        let again = limits.count(LimitedAction::PlaceOrder, party(1)).await.expect("an allowance");
        assert_eq!((again.retry_after, again.remaining), (None, 0));
        let other = limits.count(LimitedAction::PlaceOrder, party(2)).await.expect("an allowance");
        assert_eq!((other.retry_after, other.remaining), (None, 2));
    }

    #[test]
    fn a_flood_of_parties_forgets_the_oldest() {
        let limits = limits(MockRateLimits::new());
        for n in 0..=LocalRateLimits::CAPACITY.get() {
            limits.count_locally(LimitedAction::SignIn, party(n as u128));
        }
        let left = |n: usize| limits.count_locally(LimitedAction::SignIn, party(n as u128)).remaining;
        assert_eq!(
            (left(LocalRateLimits::CAPACITY.get()), left(0)),
            (1, 2),
            "the youngest is known, the oldest is not"
        );
        let remembered = limits.paid_off.lock().expect("not poisoned").len();
        assert_eq!(remembered, LocalRateLimits::CAPACITY.get());
    }
}
