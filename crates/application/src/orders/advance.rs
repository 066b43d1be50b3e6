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
        self.orders.advance(id, to, self.clock.now(), idempotency).await
    }
}
