use comanda_domain::{
    Actor, Basket, NewOrder, Note, OrderId, OrderLimits, OrderWithLines,
    ports::{Idempotent, PlaceOrderError, Unavailable},
};

use super::Orders;
use crate::IdempotentRequest;

impl Orders {
    /// The order that the same request has placed before, for a request that is about to be refused without taking its
    /// turn. `None` is no proof that there is none. A request that is not refused need not ask: [`Orders::place`]
    /// responds with that order, too.
    pub async fn find_placed(
        &self,
        customer: Actor,
        request: Option<&IdempotentRequest>,
    ) -> Result<Option<OrderWithLines>, Unavailable> {
        let Some(request) = request else { return Ok(None) };
        self.orders.find_placed(&request.clone().by(customer.account_id), self.clock.now()).await
    }

    /// Places an order, all of it or nothing. Staff, who order for customers, have no limits.
    pub async fn place(
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
            idempotency: request.map(|request| request.by(customer.account_id)),
            limits: if customer.as_staff().is_some() { OrderLimits::NONE } else { self.limits },
        };
        self.orders.place(order).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{IdempotencyKey, RequestFingerprint, Role, ports::MockOrders};

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn the_order_is_the_callers_and_so_is_the_key() {
        let customer = sample::actor(Role::Customer);
        let mut stored = MockOrders::new();
        stored
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
        let orders = Orders { orders: Arc::new(stored), ..sample::orders() };
        let placed = orders.place(customer, sample::basket(), None, Some(request)).await.unwrap();
        assert_eq!(placed.outcome, sample::order_with_lines());
    }

    #[tokio::test]
    async fn customers_have_limits_and_staff_do_not() {
        let limits = OrderLimits { orders: Some(2), quantity: Some(20) };
        for role in Role::ALL {
            let expected = if role == Role::Customer { limits } else { OrderLimits::NONE };
            let mut stored = MockOrders::new();
            stored
                .expect_place()
                .once()
                .withf(move |order| order.limits == expected)
                .returning(|_| Ok(Idempotent { outcome: sample::order_with_lines(), replayed: false }));
            let orders = Orders { orders: Arc::new(stored), limits, ..sample::orders() };
            assert!(orders.place(sample::actor(role), sample::basket(), None, None).await.is_ok(), "{role}");
        }
    }
}
