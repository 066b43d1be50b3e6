use comanda_domain::{
    Actor, CancelledBy, OrderId, OrderWithLines, Reason, RefundId,
    ports::{CancelOrderError, Cancellation, Idempotent},
};

use super::Orders;
use crate::IdempotentRequest;

impl Orders {
    /// Cancels an order: its stock comes back at once, and the money that was paid for it soon after.
    pub async fn cancel(
        &self,
        actor: Actor,
        order_id: OrderId,
        reason: Option<Reason>,
        request: Option<IdempotentRequest>,
    ) -> Result<Idempotent<OrderWithLines>, CancelOrderError> {
        let by = if actor.role.is_staff() { CancelledBy::Staff } else { CancelledBy::Customer };
        let cancellation = Cancellation {
            order_id,
            by,
            actor: Some(actor.account_id),
            scope: actor.order_scope(),
            reason,
            cancelled_at: self.clock.now(),
            refund_id: RefundId::new(self.ids.generate()),
            idempotency: request.map(|request| request.by(actor.account_id)),
        };
        let cancelled = self.orders.cancel(cancellation).await?;
        if !cancelled.replayed {
            self.payment_work.wake();
            self.watchers.wake();
        }
        Ok(cancelled)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{
        OrderScope, Role,
        ports::{MockOrders, MockWorkQueue},
    };

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn a_customer_cancels_as_a_customer_and_staff_as_staff() {
        let customer = sample::actor(Role::Customer);
        for (actor, by, scope) in [
            (customer, CancelledBy::Customer, OrderScope::OwnedBy(customer.account_id)),
            (sample::actor(Role::Staff), CancelledBy::Staff, OrderScope::All),
        ] {
            let mut stored = MockOrders::new();
            stored
                .expect_cancel()
                .once()
                .withf(move |c| c.by == by && c.scope == scope && c.cancelled_at == sample::now())
                .returning(|_| Ok(Idempotent { outcome: sample::order_with_lines(), replayed: true }));
            let orders = Orders { orders: Arc::new(stored), ..sample::orders() };
            assert!(orders.cancel(actor, sample::order_with_lines().order.id, None, None).await.is_ok());
        }
    }

    #[tokio::test]
    async fn the_refunds_of_a_cancelled_order_do_not_wait_for_the_next_poll() {
        for (replayed, wakes) in [(false, 1), (true, 0)] {
            let mut stored = MockOrders::new();
            stored.expect_cancel().returning(move |_| Ok(Idempotent { outcome: sample::order_with_lines(), replayed }));
            let mut payment_work = MockWorkQueue::new();
            payment_work.expect_wake().times(wakes).returning(|| ());
            let orders = Orders { orders: Arc::new(stored), payment_work: Arc::new(payment_work), ..sample::orders() };
            let order_id = sample::order_with_lines().order.id;
            assert!(orders.cancel(sample::actor(Role::Customer), order_id, None, None).await.is_ok());
        }
    }
}
