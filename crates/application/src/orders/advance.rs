use comanda_domain::{
    OrderId, OrderStatus, OrderWithLines, StaffMember,
    ports::{AdvanceOrderError, Idempotent},
};

use super::Orders;
use crate::IdempotentRequest;

impl Orders {
    /// Moves an order to its next status.
    pub async fn advance(
        &self,
        by: StaffMember,
        id: OrderId,
        to: OrderStatus,
        request: Option<IdempotentRequest>,
    ) -> Result<Idempotent<OrderWithLines>, AdvanceOrderError> {
        let idempotency = request.map(|request| request.by(by.account_id()));
        let advanced = self.orders.advance(id, to, self.clock.now(), idempotency).await?;
        if !advanced.replayed {
            self.watchers.wake();
        }
        Ok(advanced)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{
        Role,
        ports::{MockOrders, MockWorkQueue},
    };

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn whoever_watches_an_order_is_told_of_its_next_status_once() {
        for (replayed, wakes) in [(false, 1), (true, 0)] {
            let mut stored = MockOrders::new();
            stored
                .expect_advance()
                .returning(move |_, _, _, _| Ok(Idempotent { outcome: sample::order_with_lines(), replayed }));
            let mut watchers = MockWorkQueue::new();
            watchers.expect_wake().times(wakes).returning(|| ());
            let orders = Orders { orders: Arc::new(stored), watchers: Arc::new(watchers), ..sample::orders() };
            let (staff, id) = (sample::actor(Role::Staff).as_staff().unwrap(), sample::order_with_lines().order.id);
            assert!(orders.advance(staff, id, OrderStatus::Accepted, None).await.is_ok());
        }
    }
}
