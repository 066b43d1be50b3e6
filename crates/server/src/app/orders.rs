use std::sync::Arc;

use comanda_domain::ports::{MenuObserver, Orders};
use comanda_postgres::{Database, PostgresOrders};
use comanda_resilience::{Breaker, GuardedOrders, RetryBudget};

use crate::{
    config::{BreakerConfig, Config},
    workers::{Workers, commit_orders},
};

/// Orders in PostgreSQL. They take what is ordered from the menu, so whoever shows the menu observes them.
pub(super) fn placement(
    config: &Config,
    database: &Database,
    observer: Arc<dyn MenuObserver>,
    workers: &mut Workers,
) -> Arc<PostgresOrders> {
    let placement = config.placement.config();
    let orders = Arc::new(PostgresOrders::new(database.clone(), placement, observer));
    workers.register(commit_orders(orders.clone(), placement.deadline));
    orders
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
