use std::sync::Arc;

use comanda_domain::{
    account::Actor,
    ids::{OrderId, RefundId},
    order::OrderWithLines,
    order_status::CancelledBy,
    ports::{CancelOrderError, Cancellation, Clock, IdGenerator, Idempotent, Orders},
    text::Reason,
};

use super::place_order::IdempotentRequest;

/// Cancels an order: its stock is returned, and so is the money that was paid for it.
pub struct CancelOrder {
    orders: Arc<dyn Orders>,
    ids: Arc<dyn IdGenerator>,
    clock: Arc<dyn Clock>,
}

impl CancelOrder {
    pub fn new(orders: Arc<dyn Orders>, ids: Arc<dyn IdGenerator>, clock: Arc<dyn Clock>) -> Self {
        Self { orders, ids, clock }
    }

    pub async fn execute(
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
            scope: actor.order_scope(),
            reason,
            cancelled_at: self.clock.now(),
            refund_id: RefundId::new(self.ids.generate()),
            idempotency: request.map(|request| request.by(actor)),
        };
        self.orders.cancel(cancellation).await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::{
        account::{OrderScope, Role},
        ports::MockOrders,
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
            let mut orders = MockOrders::new();
            orders
                .expect_cancel()
                .once()
                .withf(move |c| c.by == by && c.scope == scope && c.cancelled_at == sample::now())
                .returning(|_| Ok(Idempotent { outcome: sample::order_with_lines(), replayed: false }));
            let cancel = CancelOrder::new(Arc::new(orders), sample::ids(), sample::clock());
            assert!(cancel.execute(actor, sample::order_with_lines().order.id, None, None).await.is_ok());
        }
    }
}
