//! Orders and the stock they hold.
//!
//! Orders are placed by one committer, in one transaction for all orders that wait (`place`). Everything else is a
//! transaction of its own.

mod accept;
mod advance;
mod cancel;
mod cancel_overdue;
mod chosen;
mod find;
mod lines_of;
mod list;
mod load;
mod place;
mod quote;
mod stock;

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use comanda_domain::{
    Basket, Idempotency, NewOrder, Order, OrderId, OrderLine, OrderScope, OrderStatus, OrderWithLines, Page,
    PaymentTerms, Quote, RefundId, Timestamp,
    ports::{
        AdvanceOrderError, CancelOrderError, Cancellation, Idempotent, MenuObserver, Orders, OrdersQuery,
        OverdueOrders, PlaceOrderError, QuoteOrderError, Readable, Unavailable,
    },
};

pub use self::place::{EarlyRelease, PlacementConfig};
pub(crate) use self::{
    accept::accept_when_paid,
    advance::{Transition, write_transition},
    lines_of::lines_on,
    load::load,
};
use self::{
    cancel_overdue::OverdueSearch,
    find::Lookups,
    place::{PlacedLookups, PlacementQueue},
};
use crate::Database;

/// Orders in the tables `orders`, `order_lines`, `idempotency_keys` and `outbox_events`.
pub struct PostgresOrders {
    database: Database,
    placements: PlacementQueue,
    lookups: Lookups,
    placed: PlacedLookups,
    overdue: OverdueSearch,
    observer: Arc<dyn MenuObserver>,
}

impl PostgresOrders {
    /// Orders are placed only while [`PostgresOrders::commit`] runs. `observer` is notified when an order or a
    /// cancellation has changed the menu that customers see.
    pub fn new(database: Database, config: PlacementConfig, observer: Arc<dyn MenuObserver>) -> Self {
        let placements = PlacementQueue::new(database.clone(), config, Arc::clone(&observer));
        let lookups = Lookups::new(database.clone());
        let placed = PlacedLookups::new(database.clone());
        Self { database, placements, lookups, placed, overdue: OverdueSearch::default(), observer }
    }

    /// Places the orders that are queued by [`Orders::place`], and calls `on_success` after every batch, whatever
    /// became of its orders. After `shutdown` it takes no more orders, and returns once those that waited have their
    /// response. Run it once per process; it may be run again after a panic.
    ///
    /// It belongs on a thread and a runtime of its own, which also drives its connection: a batch passes between the
    /// two a dozen times, which costs next to nothing on one thread and a wake-up on two.
    pub async fn commit(&self, shutdown: impl Future<Output = ()> + Send, on_success: impl FnMut() + Send) {
        self.placements.commit(shutdown, on_success).await;
    }
}

#[async_trait]
impl Orders for PostgresOrders {
    async fn place(&self, order: NewOrder) -> Result<Idempotent<OrderWithLines>, PlaceOrderError> {
        let Some(request) = order.idempotency.clone() else { return self.placements.place(order).await };
        let (id, at) = (order.id, order.placed_at);
        tokio::select! {
            biased;
            placed = self.placements.place(order) => placed,
            // Nothing is lost by giving up its turn, in which it would find the same order. It may be its own, which is
            // about to be answered.
            Some(outcome) = self.placed.find_when_late(&request, at) => {
                Ok(Idempotent { replayed: outcome.order.id != id, outcome })
            }
        }
    }

    async fn find_placed(&self, request: &Idempotency, at: Timestamp) -> Result<Option<OrderWithLines>, Unavailable> {
        self.placed.find(request, at).await
    }

    async fn quote(&self, basket: &Basket) -> Result<Quote, QuoteOrderError> {
        quote::quote(&self.database, basket).await
    }

    async fn find(&self, id: OrderId, scope: OrderScope) -> Result<Option<OrderWithLines>, Unavailable> {
        let found = self.lookups.find(id).await?;
        Ok(found.filter(|found| scope.admits(found.order.customer_id)))
    }

    async fn list(&self, query: OrdersQuery) -> Result<Option<Page<Order, OrderId>>, Unavailable> {
        list::list(&self.database, query).await
    }

    async fn lines_of(&self, ids: &[OrderId]) -> Result<HashMap<OrderId, Readable<Vec<OrderLine>>>, Unavailable> {
        lines_of::lines_of(&self.database, ids).await
    }

    async fn cancel(&self, cancellation: Cancellation) -> Result<Idempotent<OrderWithLines>, CancelOrderError> {
        cancel::cancel(&self.database, cancellation, Arc::clone(&self.observer)).await
    }

    async fn advance(
        &self,
        id: OrderId,
        to: OrderStatus,
        at: Timestamp,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<OrderWithLines>, AdvanceOrderError> {
        advance::advance(&self.database, id, to, at, idempotency).await
    }
}

#[async_trait]
impl OverdueOrders for PostgresOrders {
    async fn cancel_overdue(
        &self,
        terms: PaymentTerms,
        now: Timestamp,
        refund_id: RefundId,
    ) -> Result<Option<OrderId>, Unavailable> {
        self.overdue.cancel(&self.database, terms, now, refund_id, Arc::clone(&self.observer)).await
    }
}
