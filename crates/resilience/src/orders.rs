use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use comanda_domain::{
    Idempotency, NewOrder, Order, OrderId, OrderLine, OrderScope, OrderStatus, OrderWithLines, Page, Timestamp,
    ports::{
        AdvanceOrderError, CancelOrderError, Cancellation, Idempotent, Orders, OrdersQuery, PlaceOrderError, Readable,
        Unavailable,
    },
};

use crate::{breaker::Breaker, retry_budget::RetryBudget};

/// Orders behind three breakers: `order.create`, `order.update` and `order.lookup`.
pub struct GuardedOrders {
    pub orders: Arc<dyn Orders>,
    pub create: Breaker,
    pub update: Breaker,
    pub lookup: Breaker,
    pub retries: RetryBudget,
}

#[async_trait]
impl Orders for GuardedOrders {
    async fn place(&self, order: NewOrder) -> Result<Idempotent<OrderWithLines>, PlaceOrderError> {
        self.create.call(self.orders.place(order)).await
    }

    async fn find_placed(&self, request: &Idempotency, at: Timestamp) -> Result<Option<OrderWithLines>, Unavailable> {
        self.lookup.call(self.orders.find_placed(request, at)).await
    }

    async fn find(&self, id: OrderId, scope: OrderScope) -> Result<Option<OrderWithLines>, Unavailable> {
        self.lookup.call(self.retries.read(|| self.orders.find(id, scope))).await
    }

    async fn list(&self, query: OrdersQuery) -> Result<Page<Order, OrderId>, Unavailable> {
        self.lookup.call(self.retries.read(|| self.orders.list(query.clone()))).await
    }

    async fn lines_of(&self, ids: &[OrderId]) -> Result<HashMap<OrderId, Readable<Vec<OrderLine>>>, Unavailable> {
        self.lookup.call(self.retries.read(|| self.orders.lines_of(ids))).await
    }

    async fn cancel(&self, cancellation: Cancellation) -> Result<Idempotent<OrderWithLines>, CancelOrderError> {
        self.update.call(self.orders.cancel(cancellation)).await
    }

    async fn advance(
        &self,
        id: OrderId,
        to: OrderStatus,
        at: Timestamp,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<OrderWithLines>, AdvanceOrderError> {
        self.update.call(self.orders.advance(id, to, at, idempotency)).await
    }
}
