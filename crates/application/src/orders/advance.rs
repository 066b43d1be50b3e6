use comanda_domain::{OrderId, OrderStatus, OrderWithLines, StaffMember, ports::AdvanceOrderError};

use super::Orders;

impl Orders {
    /// Moves an order to its next status.
    pub async fn advance(
        &self,
        _by: StaffMember,
        id: OrderId,
        to: OrderStatus,
    ) -> Result<OrderWithLines, AdvanceOrderError> {
        self.orders.advance(id, to, self.clock.now()).await
    }
}
