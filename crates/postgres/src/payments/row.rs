use chrono::{DateTime, Utc};
use comanda_domain::{
    ids::{AccountId, OrderId, PaymentId, RefundId},
    money::{Currency, Money},
    payment::{ClientSecret, IntentId, Payment, PaymentMethod, Refund},
    ports::PaymentReceipt,
    text::Reason,
};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use uuid::Uuid;

use crate::database::{InconsistentRow, RowOf};

/// The columns of a [`PaymentRow`].
pub(super) const COLUMNS: &str =
    "id, order_id, amount, refunded, status, method, intent, client_secret, reported_at, expires_at, call_off";

/// The columns of a [`RefundRow`].
pub(super) const REFUND_COLUMNS: &str = "id, payment_id, requested_by, amount, created_at, status, reason";

/// A payment, and the order that is to be locked before it.
#[derive(QueryableByName)]
pub(super) struct PaymentKey {
    #[diesel(sql_type = SqlUuid)]
    pub(super) order_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(super) id: Uuid,
}

#[derive(QueryableByName)]
pub(super) struct PaymentRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    order_id: Uuid,
    #[diesel(sql_type = BigInt)]
    amount: i64,
    #[diesel(sql_type = BigInt)]
    refunded: i64,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Text)]
    method: String,
    #[diesel(sql_type = Nullable<Text>)]
    intent: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    client_secret: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(super) reported_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    expires_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    pub(super) call_off: bool,
}

impl PaymentRow {
    pub(super) fn payment(&self, currency: Currency) -> Result<Payment, InconsistentRow> {
        let row = RowOf { table: "payments", id: self.id };
        Ok(Payment {
            id: PaymentId::new(self.id),
            order_id: OrderId::new(self.order_id),
            status: row.read("status", self.status.parse())?,
            method: row.read("method", self.method.parse())?,
            amount: Money::new(self.amount, currency),
            refunded: Money::new(self.refunded, currency),
            expires_at: self.expires_at,
        })
    }

    pub(super) fn intent(&self) -> Option<IntentId> {
        self.intent.clone().map(IntentId)
    }

    /// What its customer gets.
    pub(super) fn receipt(&self, currency: Currency) -> Result<PaymentReceipt, InconsistentRow> {
        let payment = self.payment(currency)?;
        let by_card = payment.method == PaymentMethod::Card;
        let client_secret = self.client_secret.clone().filter(|_| by_card).map(ClientSecret);
        Ok(PaymentReceipt { payment, client_secret })
    }
}

#[derive(QueryableByName)]
pub(super) struct RefundRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    payment_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    requested_by: Option<Uuid>,
    #[diesel(sql_type = BigInt)]
    amount: i64,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Text)]
    reason: String,
}

impl RefundRow {
    pub(super) fn into_refund(self, currency: Currency) -> Result<Refund, InconsistentRow> {
        let row = RowOf { table: "refunds", id: self.id };
        Ok(Refund {
            id: RefundId::new(self.id),
            payment_id: PaymentId::new(self.payment_id),
            amount: Money::new(self.amount, currency),
            status: row.read("status", self.status.parse())?,
            reason: row.read("reason", Reason::new(&self.reason))?,
            requested_by: self.requested_by.map(AccountId::new),
            created_at: self.created_at,
        })
    }
}
