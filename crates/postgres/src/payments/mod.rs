//! Payments, refunds, and the inbox of the gateway's events: one file per method of a port.
//!
//! Whoever changes a payment locks its order first and then the payment. So do those who cancel orders, so nobody waits
//! in a circle. What is decided under these locks is the domain's business: see `comanda_domain::payment`.

mod attach;
mod begin;
mod cancel_with_order;
mod card_payments;
mod incidents;
mod lock;
mod mark_cancelled;
mod mark_handled;
mod mark_malformed;
mod mark_unknown;
mod of_orders;
mod of_payment;
mod receive;
mod record_dispute;
mod record_gateway_refund;
mod record_intent;
mod record_refund;
mod refund;
mod refuse;
mod replay;
mod row;
mod settle;
mod take_cancellations;
mod take_due_refunds;
mod take_events;
mod write;

use std::collections::HashMap;

use async_trait::async_trait;
use comanda_domain::{
    AcceptOrders, DisputeReport, ExaminedPayment, Idempotency, Intent, IntentId, IntentRefund, NewPayment, NewRefund,
    OrderId, Page, PageLimit, Payment, PaymentId, Refund, RefundId, RefundStatus, StaffMember, Timestamp,
    ports::{
        BeginPaymentError, BegunPayment, CardPayment, Checkout, DueRefund, GatewayInbox, Idempotent, InboxEvent,
        IntentReport, MalformedEvent, PaymentIntents, PaymentReceipt, Payments, PendingCancellation, Readable,
        Recorded, RefundPaymentError, RefundReport, RefundedTotal, Refunds, SettlePaymentError, Unavailable,
    },
};
use metrics::{Counter, counter};

pub(crate) use self::{cancel_with_order::cancel_with_order, lock::lock_payments};
use crate::Database;

/// Payments in the tables `payments`, `refunds` and `gateway_events`.
pub struct PostgresPayments {
    database: Database,
    accept: AcceptOrders,
    malformed_events: Counter,
    mismatches: Counter,
    disputes: Counter,
    failed_refunds: Counter,
}

impl PostgresPayments {
    /// Staff accept orders, whatever is paid: see [`PostgresPayments::accepting`].
    pub fn new(database: Database) -> Self {
        // Registered at once: an alert goes by its increase, which the first increment of a new counter is not.
        let malformed_events = counter!("comanda_gateway_events_malformed_total");
        let mismatches = counter!("comanda_payment_mismatches_total");
        let disputes = counter!("comanda_payment_disputes_total");
        let failed_refunds = counter!("comanda_refunds_failed_total");
        Self { database, accept: AcceptOrders::Staff, malformed_events, mismatches, disputes, failed_refunds }
    }

    /// Accepts orders because of their payments, if that is what `accept` says.
    #[must_use]
    pub fn accepting(self, accept: AcceptOrders) -> Self {
        Self { accept, ..self }
    }

    fn count_refund(&self, status: RefundStatus, recorded: Recorded) {
        if status == RefundStatus::Failed && recorded == Recorded::Changed {
            self.failed_refunds.increment(1);
        }
    }
}

#[async_trait]
impl Checkout for PostgresPayments {
    async fn begin(&self, payment: NewPayment) -> Result<BegunPayment, BeginPaymentError> {
        begin::begin(&self.database, self.accept, payment).await
    }

    async fn attach(
        &self,
        id: PaymentId,
        intent: Intent,
        idempotency: Option<Idempotency>,
        at: Timestamp,
    ) -> Result<Idempotent<PaymentReceipt>, BeginPaymentError> {
        attach::attach(&self.database, id, intent, idempotency, at).await
    }

    async fn refuse(&self, payment: &Payment, at: Timestamp) -> Result<(), Unavailable> {
        refuse::refuse(&self.database, payment, at).await
    }
}

#[async_trait]
impl Payments for PostgresPayments {
    async fn of_orders(
        &self,
        ids: &[OrderId],
    ) -> Result<HashMap<OrderId, Readable<Vec<ExaminedPayment>>>, Unavailable> {
        of_orders::of_orders(&self.database, ids).await
    }

    async fn card_payments(
        &self,
        since: Timestamp,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<CardPayment>, Unavailable> {
        card_payments::card_payments(&self.database, since, after, limit).await
    }

    async fn settle(
        &self,
        order_id: OrderId,
        id: PaymentId,
        by: StaffMember,
        at: Timestamp,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<Payment>, SettlePaymentError> {
        settle::settle(&self.database, self.accept, order_id, id, by, at, idempotency).await
    }
}

#[async_trait]
impl Refunds for PostgresPayments {
    async fn refund(
        &self,
        refund: NewRefund,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<Refund>, RefundPaymentError> {
        refund::refund(&self.database, refund, idempotency).await
    }

    async fn of_payment(
        &self,
        order_id: OrderId,
        payment_id: PaymentId,
        after: Option<RefundId>,
        limit: PageLimit,
    ) -> Result<Option<Page<Refund, RefundId>>, Unavailable> {
        of_payment::of_payment(&self.database, order_id, payment_id, after, limit).await
    }

    async fn take_due_refunds(&self, limit: u32) -> Result<Vec<DueRefund>, Unavailable> {
        take_due_refunds::take_due_refunds(&self.database, limit).await
    }

    async fn record_refund(&self, report: RefundReport, at: Timestamp) -> Result<Recorded, Unavailable> {
        let status = report.status;
        let recorded = record_refund::record_refund(&self.database, report, at).await?;
        self.count_refund(status, recorded);
        Ok(recorded)
    }

    async fn record_gateway_refund(
        &self,
        intent: IntentId,
        refund: IntentRefund,
        id: RefundId,
        at: Timestamp,
    ) -> Result<Recorded, Unavailable> {
        let status = refund.status;
        let recorded = record_gateway_refund::record_gateway_refund(&self.database, intent, refund, id, at).await?;
        self.count_refund(status, recorded);
        Ok(recorded)
    }

    async fn record_refunded_total(
        &self,
        report: RefundedTotal,
        id: RefundId,
        at: Timestamp,
    ) -> Result<Recorded, Unavailable> {
        record_gateway_refund::record_refunded_total(&self.database, report, id, at).await
    }
}

#[async_trait]
impl PaymentIntents for PostgresPayments {
    async fn record_intent(&self, report: IntentReport, late_refund: RefundId) -> Result<Recorded, Unavailable> {
        let recorded = record_intent::record_intent(&self.database, self.accept, report, late_refund).await?;
        if recorded == Recorded::Mismatched {
            self.mismatches.increment(1);
        }
        Ok(recorded)
    }

    async fn record_dispute(&self, report: DisputeReport, at: Timestamp) -> Result<Recorded, Unavailable> {
        let recorded = record_dispute::record_dispute(&self.database, report, at).await?;
        if recorded == Recorded::Changed {
            self.disputes.increment(1);
        }
        Ok(recorded)
    }

    async fn take_cancellations(&self, limit: u32) -> Result<Vec<PendingCancellation>, Unavailable> {
        take_cancellations::take_cancellations(&self.database, limit).await
    }

    async fn mark_cancelled(&self, id: PaymentId) -> Result<(), Unavailable> {
        mark_cancelled::mark_cancelled(&self.database, id).await
    }
}

#[async_trait]
impl GatewayInbox for PostgresPayments {
    async fn receive(&self, event: InboxEvent, at: Timestamp) -> Result<bool, Unavailable> {
        receive::receive(&self.database, event, at).await
    }

    async fn take_events(&self, known_kinds: &[&'static str], limit: u32) -> Result<Vec<InboxEvent>, Unavailable> {
        take_events::take_events(&self.database, known_kinds, limit).await
    }

    async fn mark_unknown(&self, id: &str, kind: &str, at: Timestamp) -> Result<(), Unavailable> {
        mark_unknown::mark_unknown(&self.database, id, kind, at).await
    }

    async fn mark_handled(&self, id: &str, at: Timestamp) -> Result<(), Unavailable> {
        mark_handled::mark_handled(&self.database, id, at).await
    }

    async fn mark_malformed(&self, id: &str, error: MalformedEvent, at: Timestamp) -> Result<(), Unavailable> {
        mark_malformed::mark_malformed(&self.database, id, error, at).await?;
        self.malformed_events.increment(1);
        Ok(())
    }
}

/// What this release understands of events. Servers of the previous one write nothing: what they count as handled,
/// though they know too little of it, a trigger (`leave_gateway_event`) leaves for this one.
const READER: i16 = 1;

/// A limit as PostgreSQL takes it.
fn at_most(limit: u32) -> i32 {
    i32::try_from(limit).unwrap_or(i32::MAX)
}
