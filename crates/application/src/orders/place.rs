use comanda_domain::{
    Actor, Basket, KeyRefusal, NewOrder, Note, OrderId, OrderLimits, OrderWithLines,
    ports::{Idempotent, PlaceOrderError, Unavailable},
};

use super::Orders;
use crate::IdempotentRequest;

impl Orders {
    /// The order that the same request has placed before, for a request that is about to be refused without taking its
    /// turn. `None` is no proof that there is none. A request that is not refused need not ask: [`Orders::place`]
    /// responds with that order, too, also if its turn does not come.
    pub async fn find_placed(
        &self,
        customer: Actor,
        request: Option<&IdempotentRequest>,
    ) -> Result<Option<OrderWithLines>, Unavailable> {
        let Some(request) = request else { return Ok(None) };
        self.orders.find_placed(&request.clone().by(customer.account_id), self.clock.now()).await
    }

    /// Places an order, all of it or nothing. Staff, who order for customers, have no limits. A request that was not
    /// decided, because its turn did not come, is responded to with the order that it has placed before, if there is
    /// one.
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
        let (id, request, at) = (order.id, order.idempotency.clone(), order.placed_at);
        match (self.orders.place(order).await, request) {
            (Err(error), Some(request)) if is_undecided(&error) => {
                // Of two failures, the first says what is wrong. The store logs the other.
                let found = self.orders.find_placed(&request, at).await.ok().flatten();
                // It may be its own, if nobody knew whether that was committed.
                found.map(|outcome| Idempotent { replayed: outcome.order.id != id, outcome }).ok_or(error)
            }
            (placed, _) => placed,
        }
    }
}

/// Whether the order was refused for a reason that says nothing about what was placed under its key.
const fn is_undecided(error: &PlaceOrderError) -> bool {
    matches!(
        error,
        PlaceOrderError::Unavailable(_) | PlaceOrderError::StockChanged | PlaceOrderError::Key(KeyRefusal::InProgress)
    )
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

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
    async fn an_order_whose_commit_was_in_doubt_is_no_repetition_of_itself() {
        let mut stored = MockOrders::new();
        let placed = Arc::new(Mutex::new(sample::order_with_lines()));
        let found = Arc::clone(&placed);
        stored.expect_place().once().returning(move |order| {
            placed.lock().unwrap().order.id = order.id;
            Err(Unavailable::new("the connection was lost").into())
        });
        stored.expect_find_placed().once().returning(move |_, _| Ok(Some(found.lock().unwrap().clone())));
        let request = IdempotentRequest {
            key: IdempotencyKey::new("key").unwrap(),
            fingerprint: RequestFingerprint::new([0; 16]),
        };
        let orders = Orders { orders: Arc::new(stored), ..sample::orders() };
        let placed = orders.place(sample::actor(Role::Customer), sample::basket(), None, Some(request)).await.unwrap();
        assert!(!placed.replayed);
    }

    #[tokio::test]
    async fn an_order_that_stands_is_found_though_the_repetition_gets_no_turn() {
        let undecided: [fn() -> PlaceOrderError; 3] = [
            || Unavailable::new("the circuit breaker is open").into(),
            || PlaceOrderError::StockChanged,
            || KeyRefusal::InProgress.into(),
        ];
        let request = || {
            let fingerprint = RequestFingerprint::new([0; 16]);
            Some(IdempotentRequest { key: IdempotencyKey::new("key").unwrap(), fingerprint })
        };
        let customer = sample::actor(Role::Customer);
        for undecided in undecided {
            for found in [Some(sample::order_with_lines()), None] {
                let mut stored = MockOrders::new();
                stored.expect_place().once().returning(move |_| Err(undecided()));
                let before = found.clone();
                stored
                    .expect_find_placed()
                    .once()
                    .withf(move |request, at| request.caller == customer.account_id && *at == sample::now())
                    .returning(move |_, _| Ok(before.clone()));
                let orders = Orders { orders: Arc::new(stored), ..sample::orders() };
                let placed = orders.place(customer, sample::basket(), None, request()).await;
                match found {
                    Some(outcome) => assert_eq!(placed.unwrap(), Idempotent { outcome, replayed: true }),
                    None => assert_eq!(placed.unwrap_err().to_string(), undecided().to_string()),
                }
            }
        }

        // What is refused for a reason of its own was decided, and so was whatever has no key.
        for (refusal, request) in [(PlaceOrderError::TotalTooLarge, request()), (PlaceOrderError::StockChanged, None)] {
            let mut stored = MockOrders::new();
            let refused = refusal.clone();
            stored.expect_place().once().returning(move |_| Err(refused.clone()));
            let orders = Orders { orders: Arc::new(stored), ..sample::orders() };
            let placed = orders.place(customer, sample::basket(), None, request).await;
            assert_eq!(placed.unwrap_err().to_string(), refusal.to_string());
        }
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
