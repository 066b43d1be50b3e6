//! Orders and the stock they hold.
//!
//! Placing goes through a queue whose committer shares one transaction among all orders that wait; see
//! `placement_queue` and `batch`. Everything else is a transaction of its own.

mod advance;
mod batch;
mod cancel;
mod lookups;
mod placement_queue;
mod read;
mod row;
mod statements;

use std::{collections::HashMap, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use comanda_domain::{
    Timestamp,
    account::OrderScope,
    ids::OrderId,
    money::Currency,
    order::{NewOrder, Order, OrderLine, OrderWithLines},
    order_status::OrderStatus,
    page::Page,
    ports::{
        AdvanceOrderError, CancelOrderError, Cancellation, Idempotent, MenuObserver, Orders, OrdersQuery,
        PlaceOrderError, Unavailable,
    },
};

pub(crate) use self::advance::lock_order;
use self::{lookups::Lookups, placement_queue::PlacementQueue};
use crate::{Database, owned_task::spawn_transaction};

/// How placing orders is bounded.
#[derive(Clone, Copy, Debug)]
pub struct PlacementConfig {
    /// How many orders may wait; one more is refused at once.
    pub queue_capacity: usize,
    /// The most orders in one transaction.
    pub batch_limit: usize,
    /// From the moment an order is handed over to its answer.
    pub deadline: Duration,
}

/// Orders in the tables `orders`, `order_lines`, `idempotency_keys` and `outbox_events`.
pub struct PostgresOrders {
    database: Database,
    currency: Currency,
    placements: PlacementQueue,
    lookups: Lookups,
    observer: Arc<dyn MenuObserver>,
}

impl PostgresOrders {
    /// Starts the committer's thread. `currency` is the deployment's: the tables hold bare minor units.
    /// `observer` hears when an order or a cancellation has changed what customers see of the menu.
    pub fn new(
        database: Database,
        currency: Currency,
        config: PlacementConfig,
        observer: Arc<dyn MenuObserver>,
    ) -> io::Result<Self> {
        let placements = PlacementQueue::start(database.clone(), currency, config, Arc::clone(&observer))?;
        let lookups = Lookups::start(database.clone(), currency);
        Ok(Self { database, currency, placements, lookups, observer })
    }

    /// Takes no more orders, and returns when those that waited have their answer.
    pub async fn drain(&self) {
        self.placements.drain().await;
    }
}

#[async_trait]
impl Orders for PostgresOrders {
    async fn place(&self, order: NewOrder) -> Result<Idempotent<OrderWithLines>, PlaceOrderError> {
        self.placements.place(order).await
    }

    async fn find(&self, id: OrderId, scope: OrderScope) -> Result<Option<OrderWithLines>, Unavailable> {
        let found = self.lookups.find(id).await?;
        Ok(found.filter(|found| scope.admits(found.order.customer_id)))
    }

    async fn list(&self, query: OrdersQuery) -> Result<Page<Order>, Unavailable> {
        read::list(&self.database, self.currency, query).await
    }

    async fn lines_of(&self, ids: &[OrderId]) -> Result<HashMap<OrderId, Vec<OrderLine>>, Unavailable> {
        read::lines_of(&self.database, self.currency, ids).await
    }

    async fn cancel(&self, cancellation: Cancellation) -> Result<Idempotent<OrderWithLines>, CancelOrderError> {
        let (database, currency, observer) = (self.database.clone(), self.currency, Arc::clone(&self.observer));
        let work = async move { cancel::cancel(&database, currency, cancellation, &*observer).await };
        spawn_transaction(&self.database, work).await
    }

    async fn cancel_overdue(&self, now: Timestamp) -> Result<Option<OrderId>, Unavailable> {
        let (database, currency, observer) = (self.database.clone(), self.currency, Arc::clone(&self.observer));
        let work = async move { cancel::cancel_overdue(&database, currency, now, &*observer).await };
        spawn_transaction(&self.database, work).await
    }

    async fn advance(&self, id: OrderId, to: OrderStatus, at: Timestamp) -> Result<OrderWithLines, AdvanceOrderError> {
        let (database, currency) = (self.database.clone(), self.currency);
        let work = async move { advance::advance(&database, currency, id, to, at).await };
        spawn_transaction(&self.database, work).await
    }
}
