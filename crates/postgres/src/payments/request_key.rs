//! Responses that customers get again when they repeat a request under the same key.

use comanda_domain::{
    Timestamp,
    idempotency::{Idempotency, IdempotencyKey},
    money::Currency,
    payment::Payment,
    ports::{BeginPaymentError, Idempotent, PaymentReceipt},
};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::row::{COLUMNS, PaymentRow};
use crate::database::{Failure, Named, NamedRows};

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
    sql_query("DELETE FROM idempotency_keys WHERE caller_id = $1 AND recorded_at < $2")
        .bind::<SqlUuid, _>(request.caller.as_uuid())
        .bind::<Timestamptz, _>(forgotten_before)
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
    .bind::<SqlUuid, _>(request.caller.as_uuid())
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
    let row: PaymentRow = sql_query(format!("SELECT {COLUMNS} FROM payments WHERE id = $1"))
        .bind::<SqlUuid, _>(payment_id)
        .get_result(connection)
        .one("payment.find")
        .await?;
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
) -> diesel::QueryResult<bool> {
    let remembered = sql_query(
        "INSERT INTO idempotency_keys \
         (caller_id, order_id, request_fingerprint, recorded_at, key, payment_id, answered_status) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind::<SqlUuid, _>(request.caller.as_uuid())
    .bind::<SqlUuid, _>(payment.order_id.as_uuid())
    .bind::<SqlUuid, _>(Uuid::from_bytes(*request.fingerprint.as_bytes()))
    .bind::<Timestamptz, _>(at)
    .bind::<Text, _>(request.key.as_str())
    .bind::<SqlUuid, _>(payment.id.as_uuid())
    .bind::<Text, _>(payment.status.as_str())
    .execute(connection)
    .changes("payment.insert_key")
    .await?;
    Ok(remembered == 1)
}
