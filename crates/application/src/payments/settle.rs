use comanda_domain::{OrderId, Payment, PaymentId, StaffMember, ports::SettlePaymentError};

use super::Payments;

impl Payments {
    /// Records that a customer has paid at the counter.
    pub async fn settle(
        &self,
        by: StaffMember,
        order_id: OrderId,
        id: PaymentId,
    ) -> Result<Payment, SettlePaymentError> {
        self.payments.settle(order_id, id, by, self.clock.now()).await
    }
}
