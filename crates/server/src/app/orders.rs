use std::sync::Arc;

use comanda_domain::ports::{MenuObserver, Orders};
use comanda_postgres::{Database, PostgresOrders};
use comanda_resilience::{Breaker, GuardedOrders, RetryBudget};

use crate::config::{BreakerConfig, Config};

/// Orders in PostgreSQL. They take what is ordered from the menu, so whoever shows the menu observes them.
pub(super) fn placement(
    config: &Config,
    database: &Database,
    observer: Arc<dyn MenuObserver>,
) -> anyhow::Result<Arc<PostgresOrders>> {
    Ok(Arc::new(PostgresOrders::new(database.clone(), config.placement.config(), observer)?))
}

pub(super) fn guarded(orders: Arc<dyn Orders>, breakers: &BreakerConfig) -> Arc<dyn Orders> {
    Arc::new(GuardedOrders {
        orders,
        create: Breaker::new("order.create", breakers.order_create),
        update: Breaker::new("order.update", breakers.order_update),
        lookup: Breaker::new("order.lookup", breakers.order_lookup),
        retries: RetryBudget::new("order.lookup"),
    })
}
