//! Payments, refunds, and the inbox of the gateway's events.
//!
//! Whoever changes a payment locks its order first, then the payment: so do those who cancel orders, and nobody waits in a circle.

mod begin;
mod change;
mod refund;
mod row;
mod work;
mod write;

use std::collections::HashMap;

use async_trait::async_trait;
use comanda_domain::{
    Timestamp,
    account::StaffMember,
    idempotency::Idempotency,
    ids::{OrderId, PaymentId, RefundId},
    money::Currency,
    payment::{Intent, Payment, Refund},
    ports::{
        BeginPaymentError, BegunPayment, CardPayment, DueRefund, Idempotent, InboxEvent, IntentReport, NewPayment,
        NewRefund, PaymentReceipt, Payments, PendingCancellation, Recorded, RefundPaymentError, RefundReport,
        SettlePaymentError, Unavailable,
    },
};
use diesel::{
    sql_query,
    sql_types::{Array, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

pub(crate) use self::refund::give_back;
use self::row::{COLUMNS, PaymentRow};
use crate::{
    Database,
    database::{NamedRows, spawn_transaction},
};

/// Payments in the tables `payments`, `refunds` and `gateway_events`.
#[derive(Clone)]
pub struct PostgresPayments {
    database: Database,
    currency: Currency,
}

impl PostgresPayments {
    /// `currency` is the deployment's: the tables hold bare minor units.
    pub fn new(database: Database, currency: Currency) -> Self {
        Self { database, currency }
    }
}

#[async_trait]
impl Payments for PostgresPayments {
    async fn of_orders(&self, ids: &[OrderId]) -> Result<HashMap<OrderId, Vec<Payment>>, Unavailable> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
        let mut connection = self.database.read_connection().await?;
        let rows: Vec<PaymentRow> =
            sql_query(format!("SELECT {COLUMNS} FROM payments WHERE order_id = ANY($1) ORDER BY order_id, id"))
                .bind::<Array<SqlUuid>, _>(ids)
                .load(&mut *connection)
                .rows("payment.of_orders")
                .await
                .map_err(Unavailable::new)?;
        let mut found: HashMap<OrderId, Vec<Payment>> = HashMap::new();
        for row in rows {
            let payment = row.payment(self.currency)?;
            found.entry(payment.order_id).or_default().push(payment);
        }
        Ok(found)
    }

    async fn begin(&self, payment: NewPayment) -> Result<BegunPayment, BeginPaymentError> {
        let payments = self.clone();
        spawn_transaction(&self.database, async move { payments.begin_payment(payment).await }).await
    }

    async fn attach(
        &self,
        id: PaymentId,
        intent: Intent,
        idempotency: Option<Idempotency>,
        at: Timestamp,
    ) -> Result<Idempotent<PaymentReceipt>, Unavailable> {
        let payments = self.clone();
        spawn_transaction(&self.database, async move { payments.attach_intent(id, intent, idempotency, at).await })
            .await
    }

    async fn settle(
        &self,
        order_id: OrderId,
        id: PaymentId,
        by: StaffMember,
        at: Timestamp,
    ) -> Result<Payment, SettlePaymentError> {
        let payments = self.clone();
        spawn_transaction(&self.database, async move { payments.settle_payment(order_id, id, by, at).await }).await
    }

    async fn refund(&self, refund: NewRefund) -> Result<Refund, RefundPaymentError> {
        let payments = self.clone();
        spawn_transaction(&self.database, async move { payments.decide_refund(refund).await }).await
    }

    async fn record(&self, report: IntentReport, late_refund: RefundId) -> Result<Recorded, Unavailable> {
        let payments = self.clone();
        spawn_transaction(&self.database, async move { payments.record_report(report, late_refund).await }).await
    }

    async fn record_refund(&self, report: RefundReport, at: Timestamp) -> Result<Recorded, Unavailable> {
        let payments = self.clone();
        spawn_transaction(&self.database, async move { payments.record_refund_report(report, at).await }).await
    }

    async fn take_cancellations(&self, limit: u32) -> Result<Vec<PendingCancellation>, Unavailable> {
        self.pending_cancellations(limit).await
    }

    async fn mark_cancelled(&self, id: PaymentId) -> Result<(), Unavailable> {
        self.mark_cancelled(id).await
    }

    async fn take_refunds(&self, limit: u32) -> Result<Vec<DueRefund>, Unavailable> {
        self.due_refunds(limit).await
    }

    async fn receive(&self, event: InboxEvent, at: Timestamp) -> Result<bool, Unavailable> {
        self.receive_event(event, at).await
    }

    async fn take_events(&self, limit: u32) -> Result<Vec<InboxEvent>, Unavailable> {
        self.waiting_events(limit).await
    }

    async fn handled(&self, id: &str, at: Timestamp) -> Result<(), Unavailable> {
        self.event_handled(id, at).await
    }

    async fn card_payments(
        &self,
        since: Timestamp,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<CardPayment>, Unavailable> {
        self.payments_by_card(since, after, limit).await
    }
}
