use comanda_domain::{
    Money, NewRefund, OrderId, PaymentId, Reason, Refund, RefundId, StaffMember,
    ports::{Idempotent, RefundPaymentError},
};

use super::Payments;
use crate::IdempotentRequest;

impl Payments {
    /// Refunds a payment; without an amount, everything that is left of it.
    pub async fn refund(
        &self,
        by: StaffMember,
        order_id: OrderId,
        payment_id: PaymentId,
        amount: Option<Money>,
        reason: Reason,
        request: Option<IdempotentRequest>,
    ) -> Result<Idempotent<Refund>, RefundPaymentError> {
        let idempotency = request.map(|request| request.by(by.account_id()));
        let refund = NewRefund {
            id: RefundId::new(self.ids.generate()),
            order_id,
            payment_id,
            amount,
            chargeable: self.gateway.as_ref().map(|gateway| gateway.chargeable),
            reason,
            requested_by: by,
            requested_at: self.clock.now(),
        };
        let refund = self.refunds.refund(refund, idempotency).await?;
        if !refund.replayed {
            self.work.wake();
        }
        Ok(refund)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{
        Currency, RefundStatus,
        ports::{MockRefunds, MockWorkQueue},
    };
    use uuid::Uuid;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn the_gateway_need_not_wait_for_the_next_poll() {
        let mut refunds = MockRefunds::new();
        refunds.expect_refund().once().withf(|new, _| new.requested_at == sample::now()).returning(|new, _| {
            let outcome = Refund {
                id: new.id,
                payment_id: new.payment_id,
                amount: Money::new(1250, Currency::EUR),
                status: RefundStatus::Pending,
                reason: new.reason,
                requested_by: Some(new.requested_by.account_id()),
                created_at: new.requested_at,
            };
            Ok(Idempotent { outcome, replayed: false })
        });
        let mut work = MockWorkQueue::new();
        work.expect_wake().once().returning(|| ());
        let payments = Payments { refunds: Arc::new(refunds), work: Arc::new(work), ..sample::payments() };
        let (order_id, id) = (sample::order_with_lines().order.id, PaymentId::new(Uuid::from_u128(9)));
        let reason = Reason::new("cold soup").unwrap();
        assert!(payments.refund(sample::staff(), order_id, id, None, reason, None).await.is_ok());
    }
}
