use comanda_domain::{
    IntentId, Money, RefundId, RefundStatus,
    ports::{DueRefund, Unavailable},
};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Integer, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::at_most;
use crate::database::{Database, NamedRows};

#[derive(QueryableByName)]
struct DueRefundRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    amount: i64,
    #[diesel(sql_type = Text)]
    intent: String,
    #[diesel(sql_type = Integer)]
    attempts: i32,
}

/// The pauses grow from half a minute to a quarter of an hour. What somebody refunds at the gateway is under way there.
/// Outside a transaction, so that nobody holds one while the gateway is asked.
pub(super) async fn take_due_refunds(database: &Database, limit: u32) -> Result<Vec<DueRefund>, Unavailable> {
    let mut connection = database.connection().await?;
    let rows: Vec<DueRefundRow> = sql_query(
        "UPDATE refunds r SET attempts = least(r.attempts, 1000000) + 1, \
           taken_until = now() + interval '30 seconds' * least(2 ^ greatest(least(r.attempts, 5), 0), 30) \
         FROM payments p \
         WHERE p.id = r.payment_id AND p.intent IS NOT NULL AND r.id IN (\
         SELECT id FROM refunds \
         WHERE status = $1 AND gateway_id IS NULL AND (taken_until IS NULL OR taken_until < now()) \
         ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING r.id, r.amount, p.intent, r.attempts",
    )
    .bind::<Text, _>(RefundStatus::Pending.as_str())
    .bind::<Integer, _>(at_most(limit))
    .load(&mut *connection)
    .rows("refund.take")
    .await
    .map_err(Unavailable::new)?;
    let due = |row: DueRefundRow| DueRefund {
        id: RefundId::new(row.id),
        intent: IntentId(row.intent),
        amount: Money::new(row.amount, database.currency()),
        // This one is counted already.
        attempts: u32::try_from(row.attempts).unwrap_or_default().saturating_sub(1),
    };
    Ok(rows.into_iter().map(due).collect())
}
