use chrono::{DateTime, Utc};
use comanda_domain::{
    AccountId, ClientSecret, Currency, IntentId, Money, OrderId, Payment, PaymentId, PaymentMethod, PaymentStatus,
    Reason, Refund, RefundId, RefundStatus,
    ports::{PaymentReceipt, Readable},
};
use diesel::{
    dsl::sql,
    expression::SqlLiteral,
    prelude::*,
    sql_types::{BigInt, Nullable, Text},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    database::{
        MaybeStoredTime, RowOf, StoredTime,
        schema::{payments, refunds},
    },
    idempotency::ForOldServers,
};

/// How much came in, or of which currency, if that is not what was asked for: an incident says so.
macro_rules! mismatch {
    ($column:literal) => {
        concat!(
            "(SELECT i.",
            $column,
            " FROM payment_incidents i \
              WHERE i.payment_id = payments.id AND i.kind = 'mismatch' AND i.reason = 'amount')"
        )
    };
}

/// The columns of a [`PaymentRow`], for statements that diesel cannot express.
pub(super) const COLUMNS: &str = concat!(
    "id, order_id, amount, refunded, status, method, intent, client_secret, reported_at, expires_at, call_off, ",
    "paid_at, ",
    mismatch!("amount"),
    " AS mismatch, ",
    mismatch!("currency"),
    " AS mismatch_currency"
);

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
    /// Of an outcome that was kept under a key, it is not kept a second time.
    #[serde(skip)]
    client_secret: Option<String>,
    #[diesel(deserialize_as = MaybeStoredTime)]
    pub(super) reported_at: Option<DateTime<Utc>>,
    #[diesel(deserialize_as = MaybeStoredTime)]
    expires_at: Option<DateTime<Utc>>,
    pub(super) call_off: bool,
    // What follows is of no use to a repeated request.
    #[serde(skip)]
    #[diesel(deserialize_as = MaybeStoredTime)]
    paid_at: Option<DateTime<Utc>>,
    #[serde(skip)]
    #[diesel(sql_type = Nullable<BigInt>)]
    #[diesel(select_expression = sql::<Nullable<BigInt>>(mismatch!("amount")))]
    #[diesel(select_expression_type = SqlLiteral<Nullable<BigInt>>)]
    mismatch: Option<i64>,
    #[serde(skip)]
    #[diesel(sql_type = Nullable<Text>)]
    #[diesel(select_expression = sql::<Nullable<Text>>(mismatch!("currency")))]
    #[diesel(select_expression_type = SqlLiteral<Nullable<Text>>)]
    mismatch_currency: Option<String>,
}

impl PaymentRow {
    pub(super) fn payment(&self, currency: Currency) -> Readable<Payment> {
        let row = RowOf { table: "payments", id: self.id };
        let received = match (self.paid_at, self.mismatch, &self.mismatch_currency) {
            (None, ..) => Money::zero(currency),
            (Some(_), Some(mismatch), Some(code)) => Money::new(mismatch, row.read("mismatch", code.parse())?),
            (Some(_), ..) => Money::new(self.amount, currency),
        };
        Ok(Payment {
            id: PaymentId::new(self.id),
            order_id: OrderId::new(self.order_id),
            status: row.read("status", self.status.parse::<PaymentStatus>())?,
            method: row.read("method", self.method.parse::<PaymentMethod>())?,
            amount: Money::new(self.amount, currency),
            received,
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

    pub(super) fn with_secret(self, client_secret: Option<String>) -> Self {
        Self { client_secret, ..self }
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

pub(super) fn for_old_servers(payment: &Payment) -> ForOldServers {
    ForOldServers {
        order: Some(payment.order_id),
        payment: Some(payment.id),
        answered_status: Some(payment.status.as_str()),
    }
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

    pub(super) const fn id(&self) -> Uuid {
        self.id
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

#[cfg(test)]
mod tests {
    use super::*;

    /// As they stand in the database. Whoever changes these texts locks out the servers of the release before.
    const KEPT_PAYMENT: &str = r#"{"id":"00000000-0000-0000-0000-000000000001",
        "order_id":"00000000-0000-0000-0000-000000000002","amount":1980,"refunded":0,"status":"pending","method":"card",
        "intent":"pi_1","reported_at":null,"expires_at":"2026-11-28T12:15:00Z","call_off":false}"#;
    const KEPT_REFUND: &str = r#"{"id":"00000000-0000-0000-0000-000000000001",
        "payment_id":"00000000-0000-0000-0000-000000000002","requested_by":"00000000-0000-0000-0000-000000000003",
        "amount":990,"created_at":"2026-11-28T12:00:00Z","status":"pending","reason":"cold"}"#;

    #[test]
    fn outcomes_that_were_kept_are_read() {
        let payment = serde_json::from_str::<PaymentRow>(KEPT_PAYMENT).unwrap().payment(Currency::EUR).unwrap();
        assert_eq!((payment.status, payment.method), (PaymentStatus::Pending, PaymentMethod::Card));
        let refund = serde_json::from_str::<RefundRow>(KEPT_REFUND).unwrap().into_refund(Currency::EUR).unwrap();
        assert_eq!((refund.status, refund.reason.as_str()), (RefundStatus::Pending, "cold"));
        serde_json::from_str::<()>("null").unwrap();
    }
}
