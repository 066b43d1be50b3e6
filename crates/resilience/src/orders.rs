use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use comanda_domain::{
    Basket, Idempotency, NewOrder, Order, OrderId, OrderLine, OrderScope, OrderStatus, OrderWithLines, Page, Quote,
    Timestamp,
    ports::{
        AdvanceOrderError, CancelOrderError, Cancellation, Idempotent, Orders, OrdersQuery, PlaceOrderError,
        QuoteOrderError, Readable, Unavailable,
    },
};

use crate::{breaker::Breaker, retry_budget::RetryBudget};

/// Orders behind three breakers: `order.create`, `order.update` and `order.lookup`. [`Orders::find_placed`] is behind
/// none.
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
        // Nothing depends on it, and it says nothing about other lookups.
        self.orders.find_placed(request, at).await
    }

    async fn quote(&self, basket: &Basket) -> Result<Quote, QuoteOrderError> {
        self.lookup.call(self.orders.quote(basket)).await
    }

    async fn find(&self, id: OrderId, scope: OrderScope) -> Result<Option<OrderWithLines>, Unavailable> {
        self.lookup.call(self.retries.read(|| self.orders.find(id, scope))).await
    }

    async fn list(&self, query: OrdersQuery) -> Result<Option<Page<Order, OrderId>>, Unavailable> {
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

#[cfg(test)]
mod tests {
    use comanda_domain::{
        AccountId, IdempotencyKey, RequestFingerprint,
        ports::{MockOrders, Unavailable},
    };
    use uuid::Uuid;

    use super::*;
    use crate::BreakerSettings;

    #[tokio::test]
    async fn orders_are_found_though_what_was_placed_under_keys_is_not() {
        let mut orders = MockOrders::new();
        orders.expect_find_placed().returning(|_, _| Err(Unavailable::new("in this test")));
        orders.expect_find().once().returning(|_, _| Ok(None));
        let breaker = |operation| Breaker::new(operation, BreakerSettings::default());
        let guarded = GuardedOrders {
            orders: Arc::new(orders),
            create: breaker("order.create"),
            update: breaker("order.update"),
            lookup: breaker("order.lookup"),
            retries: RetryBudget::new("order.lookup"),
        };
        let request = Idempotency {
            caller: AccountId::new(Uuid::nil()),
            key: IdempotencyKey::new("key").unwrap(),
            fingerprint: RequestFingerprint::new([0; 16]),
        };
        for _ in 0..100 {
            assert!(guarded.find_placed(&request, Timestamp::UNIX_EPOCH).await.is_err());
        }
        assert!(guarded.find(OrderId::new(Uuid::nil()), OrderScope::All).await.is_ok());
    }
}
