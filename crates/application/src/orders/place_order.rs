use std::sync::Arc;

use comanda_domain::{
    account::Actor,
    basket::Basket,
    idempotency::{Idempotency, IdempotencyKey, RequestFingerprint},
    ids::OrderId,
    order::{NewOrder, OrderWithLines},
    ports::{Clock, IdGenerator, Idempotent, Orders, PlaceOrderError},
    text::Note,
};

/// A caller's own name for a request, with a digest of what it asks.
#[derive(Clone, Debug)]
pub struct IdempotentRequest {
    pub key: IdempotencyKey,
    pub fingerprint: RequestFingerprint,
}

impl IdempotentRequest {
    pub(crate) fn by(self, actor: Actor) -> Idempotency {
        Idempotency { caller: actor.account_id, key: self.key, fingerprint: self.fingerprint }
    }
}

/// Places an order.
pub struct PlaceOrder {
    orders: Arc<dyn Orders>,
    ids: Arc<dyn IdGenerator>,
    clock: Arc<dyn Clock>,
}

impl PlaceOrder {
    pub fn new(orders: Arc<dyn Orders>, ids: Arc<dyn IdGenerator>, clock: Arc<dyn Clock>) -> Self {
        Self { orders, ids, clock }
    }

    pub async fn execute(
        &self,
        customer: Actor,
        basket: Basket,
        note: Option<Note>,
        request: Option<IdempotentRequest>,
    ) -> Result<Idempotent<OrderWithLines>, PlaceOrderError> {
        let order = NewOrder {
            id: OrderId::new(self.ids.generate()),
            customer_id: customer.account_id,
            basket,
            note,
            placed_at: self.clock.now(),
            idempotency: request.map(|request| request.by(customer)),
        };
        self.orders.place(order).await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::{account::Role, allocation::Shortage, ports::MockOrders};

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn the_order_is_the_callers_and_so_is_the_key() {
        let customer = sample::actor(Role::Customer);
        let mut orders = MockOrders::new();
        orders
            .expect_place()
            .once()
            .withf(move |order| {
                order.customer_id == customer.account_id
                    && order.placed_at == sample::now()
                    && order.idempotency.as_ref().is_some_and(|i| i.caller == customer.account_id)
            })
            .returning(|_| Ok(Idempotent { outcome: sample::order_with_lines(), replayed: false }));
        let request = IdempotentRequest {
            key: IdempotencyKey::new("key").unwrap(),
            fingerprint: RequestFingerprint::new([0; 16]),
        };
        let place = PlaceOrder::new(Arc::new(orders), sample::ids(), sample::clock());
        let answer = place.execute(customer, sample::basket(), None, Some(request)).await.unwrap();
        assert_eq!(answer.outcome, sample::order_with_lines());
    }

    #[tokio::test]
    async fn a_refusal_reaches_the_caller_whole() {
        let shortage = Shortage { menu_item_id: sample::menu_item().id, requested: 2, available: 1 };
        let mut orders = MockOrders::new();
        orders.expect_place().returning(move |_| Err(PlaceOrderError::InsufficientStock(vec![shortage])));
        let place = PlaceOrder::new(Arc::new(orders), sample::ids(), sample::clock());
        let answer = place.execute(sample::actor(Role::Customer), sample::basket(), None, None).await;
        assert!(matches!(answer, Err(PlaceOrderError::InsufficientStock(s)) if s == [shortage]));
    }
}
