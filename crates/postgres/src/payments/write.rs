//! What is written of a payment, whoever decides it. Its order and itself are locked.

use comanda_domain::{
    Timestamp,
    ids::PaymentId,
    payment::{Payment, PaymentStatus},
};
use diesel::{
    QueryResult, sql_query,
    sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::database::Named;

/// What others hear of.
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

pub(super) async fn move_to(
    connection: &mut AsyncPgConnection,
    id: PaymentId,
    status: PaymentStatus,
    at: Timestamp,
    reported_at: Option<Timestamp>,
) -> QueryResult<()> {
    sql_query(
        "UPDATE payments SET status = $2, updated_at = $3, reported_at = coalesce($4, reported_at), version = version + 1, \
         paid_at = CASE WHEN $2 = 'succeeded' THEN $3 ELSE paid_at END WHERE id = $1",
    )
    .bind::<SqlUuid, _>(id.as_uuid())
    .bind::<Text, _>(status.as_str())
    .bind::<Timestamptz, _>(at)
    .bind::<Nullable<Timestamptz>, _>(reported_at)
    .execute(connection)
    .changes("payment.move")
    .await
    .map(|_| ())
}

/// Nobody may pay it any more; by card, the gateway is told later.
pub(super) async fn cancellation(
    connection: &mut AsyncPgConnection,
    payment: &Payment,
    at: Timestamp,
) -> QueryResult<()> {
    sql_query(
        "UPDATE payments SET status = 'cancelled', call_off = (method = 'card'), updated_at = $2, version = version + 1 \
         WHERE id = $1",
    )
    .bind::<SqlUuid, _>(payment.id.as_uuid())
    .bind::<Timestamptz, _>(at)
    .execute(connection)
    .changes("payment.call_off")
    .await
    .map(|_| ())
}

/// Where a payment stands by what was given back of it.
pub(super) async fn settle_status(connection: &mut AsyncPgConnection, id: PaymentId, at: Timestamp) -> QueryResult<()> {
    sql_query(
        "UPDATE payments p SET updated_at = $2, version = version + 1, \
         status = CASE WHEN given.back = p.amount THEN 'refunded' WHEN p.status = 'cancelled' THEN 'cancelled' \
                       ELSE 'partly_refunded' END \
         FROM (SELECT sum(amount) AS back FROM refunds WHERE payment_id = $1 AND status = 'succeeded') given \
         WHERE p.id = $1",
    )
    .bind::<SqlUuid, _>(id.as_uuid())
    .bind::<Timestamptz, _>(at)
    .execute(connection)
    .changes("payment.move")
    .await
    .map(|_| ())
}
