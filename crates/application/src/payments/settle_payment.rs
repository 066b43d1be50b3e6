use std::sync::Arc;

use comanda_domain::{
    account::StaffMember,
    ids::{OrderId, PaymentId},
    payment::Payment,
    ports::{Clock, Payments, SettlePaymentError},
};

/// Records that a customer has paid at the counter.
pub struct SettlePayment {
    payments: Arc<dyn Payments>,
    clock: Arc<dyn Clock>,
}

impl SettlePayment {
    pub fn new(payments: Arc<dyn Payments>, clock: Arc<dyn Clock>) -> Self {
        Self { payments, clock }
    }

    pub async fn execute(
        &self,
        by: StaffMember,
        order_id: OrderId,
        id: PaymentId,
    ) -> Result<Payment, SettlePaymentError> {
        self.payments.settle(order_id, id, by, self.clock.now()).await
    }
}
