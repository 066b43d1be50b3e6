use std::sync::Arc;

use comanda_domain::{
    account::StaffMember,
    ids::{OrderId, PaymentId, RefundId},
    money::Money,
    payment::{NewRefund, Refund},
    ports::{Clock, IdGenerator, RefundPaymentError, Refunds, WorkQueue},
    text::Reason,
};

/// Refunds a payment, all of it or a part.
pub struct RefundPayment {
    refunds: Arc<dyn Refunds>,
    work: Arc<dyn WorkQueue>,
    ids: Arc<dyn IdGenerator>,
    clock: Arc<dyn Clock>,
}

impl RefundPayment {
    pub fn new(
        refunds: Arc<dyn Refunds>,
        work: Arc<dyn WorkQueue>,
        ids: Arc<dyn IdGenerator>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { refunds, work, ids, clock }
    }

    /// Without an amount, everything that is left is refunded.
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
        let refund = self.refunds.refund(refund).await?;
        self.work.wake();
        Ok(refund)
    }
}
