use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use comanda_domain::{
    Timestamp,
    account::StaffMember,
    idempotency::Idempotency,
    ids::{OrderId, PaymentId, RefundId},
    payment::{Intent, Payment, Refund},
    ports::{
        BeginPaymentError, BegunPayment, CardPayment, DueRefund, Idempotent, InboxEvent, IntentReport, NewPayment,
        NewRefund, PaymentReceipt, Payments, PendingCancellation, Recorded, RefundPaymentError, RefundReport,
        SettlePaymentError, Unavailable,
    },
};

use crate::breaker::Breaker;

/// Payments behind a breaker for beginning them: `payment.create`.
pub struct GuardedPayments {
    pub payments: Arc<dyn Payments>,
    pub create: Breaker,
}

#[async_trait]
impl Payments for GuardedPayments {
    async fn of_orders(&self, ids: &[OrderId]) -> Result<HashMap<OrderId, Vec<Payment>>, Unavailable> {
        self.payments.of_orders(ids).await
    }

    async fn begin(&self, payment: NewPayment) -> Result<BegunPayment, BeginPaymentError> {
        self.create.call(self.payments.begin(payment)).await
    }

    async fn attach(
        &self,
        id: PaymentId,
        intent: Intent,
        idempotency: Option<Idempotency>,
        at: Timestamp,
    ) -> Result<Idempotent<PaymentReceipt>, Unavailable> {
        self.create.call(self.payments.attach(id, intent, idempotency, at)).await
    }

    async fn settle(
        &self,
        order_id: OrderId,
        id: PaymentId,
        by: StaffMember,
        at: Timestamp,
    ) -> Result<Payment, SettlePaymentError> {
        self.payments.settle(order_id, id, by, at).await
    }

    async fn refund(&self, refund: NewRefund) -> Result<Refund, RefundPaymentError> {
        self.payments.refund(refund).await
    }

    async fn record(&self, report: IntentReport, late_refund: RefundId) -> Result<Recorded, Unavailable> {
        self.payments.record(report, late_refund).await
    }

    async fn record_refund(&self, report: RefundReport, at: Timestamp) -> Result<Recorded, Unavailable> {
        self.payments.record_refund(report, at).await
    }

    async fn take_cancellations(&self, limit: u32) -> Result<Vec<PendingCancellation>, Unavailable> {
        self.payments.take_cancellations(limit).await
    }

    async fn mark_cancelled(&self, id: PaymentId) -> Result<(), Unavailable> {
        self.payments.mark_cancelled(id).await
    }

    async fn take_refunds(&self, limit: u32) -> Result<Vec<DueRefund>, Unavailable> {
        self.payments.take_refunds(limit).await
    }

    async fn receive(&self, event: InboxEvent, at: Timestamp) -> Result<bool, Unavailable> {
        self.payments.receive(event, at).await
    }

    async fn take_events(&self, limit: u32) -> Result<Vec<InboxEvent>, Unavailable> {
        self.payments.take_events(limit).await
    }

    async fn handled(&self, id: &str, at: Timestamp) -> Result<(), Unavailable> {
        self.payments.handled(id, at).await
    }

    async fn card_payments(
        &self,
        since: Timestamp,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<CardPayment>, Unavailable> {
        self.payments.card_payments(since, after, limit).await
    }
}
