use comanda_domain::{
    OrderId, Payment, PaymentId, StaffMember,
    ports::{Idempotent, SettlePaymentError},
};

use super::Payments;
use crate::IdempotentRequest;

impl Payments {
    /// Records that a customer has paid at the counter.
    pub async fn settle(
        &self,
        by: StaffMember,
        order_id: OrderId,
        id: PaymentId,
        request: Option<IdempotentRequest>,
    ) -> Result<Idempotent<Payment>, SettlePaymentError> {
        let idempotency = request.map(|request| request.by(by.account_id()));
        self.payments.settle(order_id, id, by, self.clock.now(), idempotency).await
    }
}
