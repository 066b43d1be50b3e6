use comanda_domain::{
    account::StaffMember,
    ids::{OrderId, PaymentId},
    payment::Payment,
    ports::SettlePaymentError,
};

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
