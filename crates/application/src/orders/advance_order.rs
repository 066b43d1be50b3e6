use std::sync::Arc;

use comanda_domain::{
    account::StaffMember,
    ids::OrderId,
    order::OrderWithLines,
    order_status::OrderStatus,
    ports::{AdvanceOrderError, Clock, Orders},
};

/// Takes an order one step on.
pub struct AdvanceOrder {
    orders: Arc<dyn Orders>,
    clock: Arc<dyn Clock>,
}

impl AdvanceOrder {
    pub fn new(orders: Arc<dyn Orders>, clock: Arc<dyn Clock>) -> Self {
        Self { orders, clock }
    }

    pub async fn execute(
        &self,
        _by: StaffMember,
        id: OrderId,
        to: OrderStatus,
    ) -> Result<OrderWithLines, AdvanceOrderError> {
        self.orders.advance(id, to, self.clock.now()).await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::MockOrders;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn a_step_that_does_not_exist_is_refused() {
        let mut orders = MockOrders::new();
        orders
            .expect_advance()
            .once()
            .returning(|_, to, _| Err(AdvanceOrderError::InvalidTransition { from: OrderStatus::Pending, to }));
        let advance = AdvanceOrder::new(Arc::new(orders), sample::clock());
        let answer =
            advance.execute(sample::staff(), sample::order_with_lines().order.id, OrderStatus::Completed).await;
        assert!(matches!(
            answer,
            Err(AdvanceOrderError::InvalidTransition { from: OrderStatus::Pending, to: OrderStatus::Completed })
        ));
    }
}
