//! Deciding what goes back.

use comanda_domain::{
    Timestamp,
    account::StaffMember,
    audit::{AuditAction, AuditRecord},
    ids::{OrderId, RefundId},
    money::{Currency, Money},
    payment::{Payment, PaymentMethod, Refund},
    ports::{NewRefund, RefundPaymentError, Unavailable},
    text::Reason,
};
use diesel::{
    sql_query,
    sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{
    PostgresPayments,
    row::{COLUMNS, PaymentRow, RefundRow},
    write::{PaymentEvent, announce, cancellation, settle_status},
};
use crate::{
    audit_log,
    database::{Failure, Named, NamedRows},
};

impl PostgresPayments {
    pub(super) async fn decide_refund(&self, new: NewRefund) -> Result<Refund, RefundPaymentError> {
        let mut connection = self.database.connection().await?;
        connection
            .transaction::<_, Failure<RefundPaymentError>, _>(async |connection| {
                let row = self
                    .lock(connection, new.order_id, new.payment_id)
                    .await?
                    .ok_or(Failure(RefundPaymentError::NotFound))?;
                let payment = row.payment(self.currency)?;
                if !payment.status.is_paid() {
                    return Err(Failure(RefundPaymentError::NotPaid(payment.status)));
                }
                let left = left_of(&payment);
                let amount = new.amount.unwrap_or(left);
                if amount.amount() > left.amount() || left.amount() == 0 {
                    return Err(Failure(RefundPaymentError::TooMuch { left }));
                }
                let by = Some(new.requested_by);
                let refund =
                    insert_refund(connection, &payment, new.id, amount, &new.reason, by, new.requested_at).await?;
                let record = AuditRecord {
                    actor: Some(new.requested_by.account_id()),
                    action: AuditAction::PaymentRefunded,
                    target: payment.id.to_string(),
                    reason: Some(new.reason.clone()),
                    at: new.requested_at,
                };
                audit_log::write_record(connection, &record).await?;
                Ok(refund.into_refund(self.currency)?)
            })
            .await
            .map_err(|failure| failure.0)
    }
}

fn left_of(payment: &Payment) -> Money {
    Money::new(payment.amount.amount() - payment.refunded.amount(), payment.amount.currency())
}

/// Of a payment at the counter the money is handed over at once; the gateway is told of the others later.
pub(super) async fn insert_refund(
    connection: &mut AsyncPgConnection,
    payment: &Payment,
    id: RefundId,
    amount: Money,
    reason: &Reason,
    by: Option<StaffMember>,
    at: Timestamp,
) -> diesel::QueryResult<RefundRow> {
    let at_once = payment.method == PaymentMethod::Counter;
    let row: RefundRow = sql_query(
        "INSERT INTO refunds (id, payment_id, requested_by, amount, created_at, settled_at, status, reason) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         RETURNING id, payment_id, requested_by, amount, created_at, status, reason",
    )
    .bind::<SqlUuid, _>(id.as_uuid())
    .bind::<SqlUuid, _>(payment.id.as_uuid())
    .bind::<Nullable<SqlUuid>, _>(by.map(|staff| staff.account_id().as_uuid()))
    .bind::<BigInt, _>(amount.amount())
    .bind::<Timestamptz, _>(at)
    .bind::<Nullable<Timestamptz>, _>(at_once.then_some(at))
    .bind::<Text, _>(if at_once { "succeeded" } else { "pending" })
    .bind::<Text, _>(reason.as_str())
    .get_result(connection)
    .one("refund.insert")
    .await?;
    sql_query("UPDATE payments SET refunded = refunded + $2, updated_at = $3 WHERE id = $1")
        .bind::<SqlUuid, _>(payment.id.as_uuid())
        .bind::<BigInt, _>(amount.amount())
        .bind::<Timestamptz, _>(at)
        .execute(connection)
        .changes("refund.reserve")
        .await?;
    if at_once {
        settle_status(connection, payment.id, at).await?;
        announce(connection, payment, PaymentEvent::Refunded, at).await?;
    }
    Ok(row)
}

/// What becomes of the payments of an order that is cancelled, in the transaction that does it: open ones are cancelled as well, of paid ones the
/// money goes back.
pub(crate) async fn give_back(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    order_id: OrderId,
    at: Timestamp,
) -> Result<(), Failure<comanda_domain::ports::CancelOrderError>> {
    let rows: Vec<PaymentRow> =
        sql_query(format!("SELECT {COLUMNS} FROM payments WHERE order_id = $1 ORDER BY id FOR UPDATE"))
            .bind::<SqlUuid, _>(order_id.as_uuid())
            .load(connection)
            .rows("payment.lock")
            .await?;
    for row in rows {
        let payment = row.payment(currency)?;
        let left = left_of(&payment);
        if payment.status.is_open() {
            cancellation(connection, &payment, at).await?;
        } else if payment.status.is_paid() && left.amount() > 0 {
            let reason = Reason::new("the order was cancelled").map_err(Unavailable::new)?;
            let id = RefundId::new(Uuid::now_v7());
            insert_refund(connection, &payment, id, left, &reason, None, at).await?;
        }
    }
    Ok(())
}
