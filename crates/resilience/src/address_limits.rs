use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use comanda_domain::{
    Allowance, ClientNetwork, LimitedAction, RateLimit, Timestamp,
    ports::{AddressLimits, Clock, Unavailable},
};

use crate::outage::Outage;

type PaidOff = HashMap<(LimitedAction, ClientNetwork), Timestamp>;

/// Rate limits that continue in this process's memory while the ones that all servers share are out of reach.
pub struct LocalAddressLimits {
    shared: Arc<dyn AddressLimits>,
    outage: Outage,
    limit: RateLimit,
    clock: Arc<dyn Clock>,
    paid_off: Mutex<PaidOff>,
}

impl LocalAddressLimits {
    /// How many clients are remembered. When the map is full, clients without debt are forgotten.
    const CAPACITY: usize = 100_000;

    pub fn beside(shared: Arc<dyn AddressLimits>, limit: RateLimit, clock: Arc<dyn Clock>) -> Self {
        Self { shared, outage: Outage::of("address_limits"), limit, clock, paid_off: Mutex::default() }
    }

    fn count_locally(&self, action: LimitedAction, client: ClientNetwork) -> Allowance {
        let now = self.clock.now();
        let mut paid_off = self.paid_off.lock().unwrap_or_else(PoisonError::into_inner);
        if paid_off.len() >= Self::CAPACITY {
            paid_off.retain(|_, at| *at > now);
        }
        let (allowance, next) = self.limit.decide(paid_off.get(&(action, client)).copied(), now);
        paid_off.insert((action, client), next);
        allowance
    }
}

#[async_trait]
impl AddressLimits for LocalAddressLimits {
    async fn count(&self, action: LimitedAction, client: ClientNetwork) -> Result<Allowance, Unavailable> {
        match self.outage.call(self.shared.count(action, client)).await {
            Some(allowance) => Ok(allowance),
            None => Ok(self.count_locally(action, client)),
        }
    }
}
