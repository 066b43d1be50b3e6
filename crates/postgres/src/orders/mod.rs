//! Orders and the stock they hold.
//!
//! Placing goes through a queue whose committer shares one transaction among all orders that wait; see
//! `place`. Everything else is a transaction of its own.

mod advance;
mod cancel;
mod cancel_overdue;
mod find;
mod lines_of;
mod list;
mod load;
mod place;
mod stock;

use std::{collections::HashMap, io, sync::Arc};

use async_trait::async_trait;
use comanda_domain::{
    Timestamp,
    account::OrderScope,
    ids::{OrderId, RefundId},
    money::Currency,
    order::{NewOrder, Order, OrderLine, OrderWithLines},
    order_status::OrderStatus,
    page::Page,
    ports::{
        AdvanceOrderError, CancelOrderError, Cancellation, Idempotent, MenuObserver, Orders, OrdersQuery,
        OverdueOrders, PlaceOrderError, Unavailable,
    },
};

pub use self::place::PlacementConfig;
use self::{find::Lookups, place::PlacementQueue};
use crate::{Database, database::spawn_transaction};

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
        list::list(&self.database, self.currency, query).await
    }

    async fn lines_of(&self, ids: &[OrderId]) -> Result<HashMap<OrderId, Vec<OrderLine>>, Unavailable> {
        lines_of::lines_of(&self.database, self.currency, ids).await
    }

    async fn cancel(&self, cancellation: Cancellation) -> Result<Idempotent<OrderWithLines>, CancelOrderError> {
        let (database, currency, observer) = (self.database.clone(), self.currency, Arc::clone(&self.observer));
        let work = async move { cancel::cancel(&database, currency, cancellation, &*observer).await };
        spawn_transaction(&self.database, work).await
    }

    async fn advance(&self, id: OrderId, to: OrderStatus, at: Timestamp) -> Result<OrderWithLines, AdvanceOrderError> {
        let (database, currency) = (self.database.clone(), self.currency);
        let work = async move { advance::advance(&database, currency, id, to, at).await };
        spawn_transaction(&self.database, work).await
    }
}

#[async_trait]
impl OverdueOrders for PostgresOrders {
    async fn cancel_overdue(&self, now: Timestamp, refund_id: RefundId) -> Result<Option<OrderId>, Unavailable> {
        let (database, currency, observer) = (self.database.clone(), self.currency, Arc::clone(&self.observer));
        let work = async move { cancel_overdue::cancel_overdue(&database, currency, now, refund_id, &*observer).await };
        spawn_transaction(&self.database, work).await
    }
}
