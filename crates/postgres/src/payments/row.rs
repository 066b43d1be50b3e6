use chrono::{DateTime, Utc};
use comanda_domain::{
    AccountId, ClientSecret, Currency, IntentId, Money, OrderId, Payment, PaymentId, PaymentMethod, PaymentStatus,
    Reason, Refund, RefundId, RefundStatus,
    ports::{PaymentReceipt, Readable},
};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    database::{
        MaybeStoredTime, RowOf, StoredTime,
        schema::{payments, refunds},
    },
    idempotency::ForOldServers,
};

/// The columns of a [`PaymentRow`], for statements that diesel cannot express.
pub(super) const COLUMNS: &str =
    "id, order_id, amount, refunded, status, method, intent, client_secret, reported_at, expires_at, call_off";

#[derive(Deserialize, Queryable, QueryableByName, Selectable, Serialize)]
#[diesel(table_name = payments, check_for_backend(diesel::pg::Pg))]
pub(super) struct PaymentRow {
    id: Uuid,
    order_id: Uuid,
    amount: i64,
    refunded: i64,
    status: String,
    method: String,
    intent: Option<String>,
    client_secret: Option<String>,
    #[diesel(deserialize_as = MaybeStoredTime)]
    pub(super) reported_at: Option<DateTime<Utc>>,
    #[diesel(deserialize_as = MaybeStoredTime)]
    expires_at: Option<DateTime<Utc>>,
    pub(super) call_off: bool,
}

impl PaymentRow {
    pub(super) fn payment(&self, currency: Currency) -> Readable<Payment> {
        let row = RowOf { table: "payments", id: self.id };
        Ok(Payment {
            id: PaymentId::new(self.id),
            order_id: OrderId::new(self.order_id),
            status: row.read("status", self.status.parse::<PaymentStatus>())?,
            method: row.read("method", self.method.parse::<PaymentMethod>())?,
            amount: Money::new(self.amount, currency),
            refunded: Money::new(self.refunded, currency),
            expires_at: self.expires_at,
        })
    }

    pub(super) const fn id(&self) -> Uuid {
        self.id
    }

    pub(super) const fn order_id(&self) -> OrderId {
        OrderId::new(self.order_id)
    }

    pub(super) fn with_status(self, status: PaymentStatus) -> Self {
        Self { status: status.as_str().to_owned(), ..self }
    }

    pub(super) fn intent(&self) -> Option<IntentId> {
        self.intent.clone().map(IntentId)
    }

    /// What the customer gets in response.
    pub(super) fn receipt(&self, currency: Currency) -> Readable<PaymentReceipt> {
        let payment = self.payment(currency)?;
        // Nobody is to pay what was cancelled.
        let payable = payment.method == PaymentMethod::Card && payment.status != PaymentStatus::Cancelled;
        let client_secret = self.client_secret.clone().filter(|_| payable).map(ClientSecret);
        Ok(PaymentReceipt { payment, client_secret })
    }
}

pub(super) fn for_old_servers(payment: &Payment) -> ForOldServers<'_> {
    ForOldServers { order: Some(payment.order_id), payment: Some(payment) }
}

#[derive(Deserialize, Queryable, Selectable, Serialize)]
#[diesel(table_name = refunds, check_for_backend(diesel::pg::Pg))]
pub(super) struct RefundRow {
    id: Uuid,
    payment_id: Uuid,
    requested_by: Option<Uuid>,
    amount: i64,
    #[diesel(deserialize_as = StoredTime)]
    created_at: DateTime<Utc>,
    status: String,
    reason: String,
}

impl RefundRow {
    pub(super) fn of(refund: &Refund) -> Self {
        Self {
            id: refund.id.as_uuid(),
            payment_id: refund.payment_id.as_uuid(),
            requested_by: refund.requested_by.map(AccountId::as_uuid),
            amount: refund.amount.amount(),
            created_at: refund.created_at,
            status: refund.status.as_str().to_owned(),
            reason: refund.reason.as_str().to_owned(),
        }
    }

    pub(super) fn into_refund(self, currency: Currency) -> Readable<Refund> {
        let row = RowOf { table: "refunds", id: self.id };
        Ok(Refund {
            id: RefundId::new(self.id),
            payment_id: PaymentId::new(self.payment_id),
            amount: Money::new(self.amount, currency),
            status: row.read("status", self.status.parse::<RefundStatus>())?,
            reason: Reason::stored(&self.reason),
            requested_by: self.requested_by.map(AccountId::new),
            created_at: self.created_at,
        })
    }
}
