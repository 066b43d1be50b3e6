use std::sync::Arc;

use comanda_domain::{
    account::StaffMember,
    ids::{OrderId, PaymentId, RefundId},
    money::Money,
    payment::Refund,
    ports::{Clock, IdGenerator, NewRefund, Payments, RefundPaymentError},
    text::Reason,
};

/// Gives money back.
pub struct RefundPayment {
    payments: Arc<dyn Payments>,
    ids: Arc<dyn IdGenerator>,
    clock: Arc<dyn Clock>,
}

impl RefundPayment {
    pub fn new(payments: Arc<dyn Payments>, ids: Arc<dyn IdGenerator>, clock: Arc<dyn Clock>) -> Self {
        Self { payments, ids, clock }
    }

    /// Without an amount, all that is left.
    pub async fn execute(
        &self,
        by: StaffMember,
        order_id: OrderId,
        payment_id: PaymentId,
        amount: Option<Money>,
        reason: Reason,
    ) -> Result<Refund, RefundPaymentError> {
        let refund = NewRefund {
            id: RefundId::new(self.ids.generate()),
            order_id,
            payment_id,
            amount,
            reason,
            requested_by: by,
            requested_at: self.clock.now(),
        };
        self.payments.refund(refund).await
    }
}
