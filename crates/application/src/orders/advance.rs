use comanda_domain::{
    account::StaffMember, ids::OrderId, order::OrderWithLines, order_status::OrderStatus, ports::AdvanceOrderError,
};

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
