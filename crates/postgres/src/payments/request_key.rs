//! Responses that customers get again when they repeat a request under the same key.

use comanda_domain::{
    Currency, Idempotency, IdempotencyKey, Payment, Timestamp,
    ports::{BeginPaymentError, Idempotent, PaymentReceipt},
};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::row::PaymentRow;
use crate::database::{
    Failure, Named, NamedRows,
    schema::{idempotency_keys, payments},
};

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    request_fingerprint: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    payment_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    answered_status: Option<String>,
}

/// The response to the first request under this key.
pub(super) async fn answered_before(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    request: &Idempotency,
    now: Timestamp,
) -> Result<Option<Idempotent<PaymentReceipt>>, Failure<BeginPaymentError>> {
    let forgotten_before = IdempotencyKey::forgotten_before(now);
    let caller = request.caller.as_uuid();
    diesel::delete(idempotency_keys::table)
        .filter(idempotency_keys::caller_id.eq(caller).and(idempotency_keys::recorded_at.lt(forgotten_before)))
        .execute(connection)
        .changes("payment.forget_keys")
        .await?;
    let known: Vec<KeyRow> = sql_query(
        "SELECT request_fingerprint, payment_id, answered_status FROM idempotency_keys \
         WHERE caller_id = $1 AND key = $2 \
         UNION ALL \
         SELECT request_fingerprint, NULL, NULL FROM orders \
         WHERE customer_id = $1 AND idempotency_key = $2 AND created_at >= $3",
    )
    .bind::<SqlUuid, _>(caller)
    .bind::<Text, _>(request.key.as_str())
    .bind::<Timestamptz, _>(forgotten_before)
    .load(connection)
    .rows("payment.find_key")
    .await?;
    let Some(known) = known.into_iter().next() else { return Ok(None) };
    let (Some(payment_id), true) =
        (known.payment_id, known.request_fingerprint == Uuid::from_bytes(*request.fingerprint.as_bytes()))
    else {
        return Err(Failure(BeginPaymentError::KeyReused));
    };
    let row =
        payments::table.find(payment_id).select(PaymentRow::as_select()).first(connection).one("payment.find").await?;
    let mut receipt = row.receipt(currency)?;
    if let Some(status) = known.answered_status.and_then(|status| status.parse().ok()) {
        receipt.payment.status = status;
    }
    Ok(Some(Idempotent { outcome: receipt, replayed: true }))
}

/// Keeps the response for later requests under the key. Returns whether this request was the first.
pub(super) async fn remember(
    connection: &mut AsyncPgConnection,
    request: &Idempotency,
    payment: &Payment,
    at: Timestamp,
) -> QueryResult<bool> {
    let remembered = diesel::insert_into(idempotency_keys::table)
        .values((
            idempotency_keys::caller_id.eq(request.caller.as_uuid()),
            idempotency_keys::order_id.eq(payment.order_id.as_uuid()),
            idempotency_keys::request_fingerprint.eq(Uuid::from_bytes(*request.fingerprint.as_bytes())),
            idempotency_keys::recorded_at.eq(at),
            idempotency_keys::key.eq(request.key.as_str()),
            idempotency_keys::payment_id.eq(payment.id.as_uuid()),
            idempotency_keys::answered_status.eq(payment.status.as_str()),
        ))
        .on_conflict_do_nothing()
        .execute(connection)
        .changes("payment.insert_key")
        .await?;
    Ok(remembered == 1)
}
