//! What is written about a payment, whoever has decided it. The payment and its order are locked.

use comanda_domain::{
    AccountId, Timestamp,
    payment::{Payment, PaymentStatus, Refund, RefundStatus},
    ports::Unavailable,
};
use diesel::{
    QueryResult, sql_query,
    sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::row::{REFUND_COLUMNS, RefundRow};
use crate::database::{Named, NamedRows};

/// What subscribers hear about a payment.
#[derive(Clone, Copy)]
pub(super) enum PaymentEvent {
    Succeeded,
    Failed,
    Refunded,
}

/// Writes the event, in the stream of the payment's order.
pub(super) async fn announce(
    connection: &mut AsyncPgConnection,
    payment: &Payment,
    event: PaymentEvent,
    at: Timestamp,
) -> QueryResult<()> {
    let kind = match event {
        PaymentEvent::Succeeded => "payment.succeeded",
        PaymentEvent::Failed => "payment.failed",
        PaymentEvent::Refunded => "payment.refunded",
    };
    sql_query(
        "INSERT INTO outbox_events (kind, subject_id, subject_version, occurred_at, stream_id) \
         SELECT $1, id, version, $3, order_id FROM payments WHERE id = $2",
    )
    .bind::<Text, _>(kind)
    .bind::<SqlUuid, _>(payment.id.as_uuid())
    .bind::<Timestamptz, _>(at)
    .execute(connection)
    .changes("payment.insert_event")
    .await
    .map(|_| ())
}

/// Writes the payment's new status. `reported_at` is the time of the gateway's report that led to it, if one did.
pub(super) async fn write_status(
    connection: &mut AsyncPgConnection,
    payment: &Payment,
    at: Timestamp,
    reported_at: Option<Timestamp>,
) -> QueryResult<()> {
    let paid_at = (payment.status == PaymentStatus::Succeeded).then_some(at);
    sql_query(
        "UPDATE payments SET status = $2, updated_at = $3, reported_at = coalesce($4, reported_at), \
         paid_at = coalesce($5, paid_at), version = version + 1 WHERE id = $1",
    )
    .bind::<SqlUuid, _>(payment.id.as_uuid())
    .bind::<Text, _>(payment.status.as_str())
    .bind::<Timestamptz, _>(at)
    .bind::<Nullable<Timestamptz>, _>(reported_at)
    .bind::<Nullable<Timestamptz>, _>(paid_at)
    .execute(connection)
    .changes("payment.move")
    .await
    .map(|_| ())
}

/// Writes that a payment is cancelled. The gateway is told later.
pub(super) async fn write_cancellation(
    connection: &mut AsyncPgConnection,
    payment: &Payment,
    at: Timestamp,
) -> QueryResult<()> {
    sql_query(
        "UPDATE payments SET status = $2, call_off = $3, updated_at = $4, version = version + 1 \
         WHERE id = $1",
    )
    .bind::<SqlUuid, _>(payment.id.as_uuid())
    .bind::<Text, _>(payment.status.as_str())
    .bind::<Bool, _>(payment.method.is_carried_out_by_gateway())
    .bind::<Timestamptz, _>(at)
    .execute(connection)
    .changes("payment.call_off")
    .await
    .map(|_| ())
}

/// Writes a refund, and what it makes of its payment. The gateway is asked for it later, unless the money was handed over at once.
pub(super) async fn write_refund(
    connection: &mut AsyncPgConnection,
    payment: &Payment,
    refund: &Refund,
) -> Result<(), Unavailable> {
    let at = refund.created_at;
    let is_returned = refund.status == RefundStatus::Succeeded;
    sql_query(
        "INSERT INTO refunds (id, payment_id, requested_by, amount, created_at, settled_at, status, reason) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind::<SqlUuid, _>(refund.id.as_uuid())
    .bind::<SqlUuid, _>(refund.payment_id.as_uuid())
    .bind::<Nullable<SqlUuid>, _>(refund.requested_by.map(AccountId::as_uuid))
    .bind::<BigInt, _>(refund.amount.amount())
    .bind::<Timestamptz, _>(at)
    .bind::<Nullable<Timestamptz>, _>(is_returned.then_some(at))
    .bind::<Text, _>(refund.status.as_str())
    .bind::<Text, _>(refund.reason.as_str())
    .execute(connection)
    .changes("refund.insert")
    .await
    .map_err(Unavailable::new)?;
    recount_refunds(connection, payment, at).await?;
    if is_returned {
        announce(connection, payment, PaymentEvent::Refunded, at).await.map_err(Unavailable::new)?;
    }
    Ok(())
}

/// Writes what all its refunds make of a payment, after one of them has changed.
pub(super) async fn recount_refunds(
    connection: &mut AsyncPgConnection,
    payment: &Payment,
    at: Timestamp,
) -> Result<(), Unavailable> {
    let rows: Vec<RefundRow> = sql_query(format!("SELECT {REFUND_COLUMNS} FROM refunds WHERE payment_id = $1"))
        .bind::<SqlUuid, _>(payment.id.as_uuid())
        .load(connection)
        .rows("refund.of_payment")
        .await
        .map_err(Unavailable::new)?;
    let currency = payment.amount.currency();
    let refunds = rows.into_iter().map(|row| row.into_refund(currency)).collect::<Result<Vec<Refund>, _>>()?;
    let payment = payment.after_refunds(&refunds);
    sql_query("UPDATE payments SET status = $2, refunded = $3, updated_at = $4, version = version + 1 WHERE id = $1")
        .bind::<SqlUuid, _>(payment.id.as_uuid())
        .bind::<Text, _>(payment.status.as_str())
        .bind::<BigInt, _>(payment.refunded.amount())
        .bind::<Timestamptz, _>(at)
        .execute(connection)
        .changes("payment.count_refunds")
        .await
        .map(|_| ())
        .map_err(Unavailable::new)
}
