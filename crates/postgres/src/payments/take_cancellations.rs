use comanda_domain::ports::{PendingCancellation, Unavailable};
use diesel::{sql_query, sql_types::Integer};
use diesel_async::RunQueryDsl;

use super::{
    at_most,
    row::{COLUMNS, PaymentRow},
};
use crate::database::{Database, NamedRows};

/// The pauses grow with the time since the payment was cancelled, from half a minute to a quarter of an hour. Outside a
/// transaction, so that nobody holds one while the gateway is asked.
pub(super) async fn take_cancellations(
    database: &Database,
    limit: u32,
) -> Result<Vec<PendingCancellation>, Unavailable> {
    let mut connection = database.connection().await?;
    let rows: Vec<PaymentRow> = sql_query(format!(
        "UPDATE payments SET taken_until = \
           now() + least(interval '15 minutes', \
             greatest((now() - least(greatest(updated_at, '2000-01-01'), now())) / 4, interval '30 seconds')) \
         WHERE id IN (\
         SELECT id FROM payments WHERE call_off AND (taken_until IS NULL OR taken_until < now()) \
         ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING {COLUMNS}"
    ))
    .bind::<Integer, _>(at_most(limit))
    .load(&mut *connection)
    .rows("payment.take_cancellations")
    .await
    .map_err(Unavailable::new)?;
    // One that cannot be read is taken again when its lease has run out, and keeps nobody from the others.
    let cancellation = |row: PaymentRow| {
        Some(PendingCancellation { intent: row.intent(), payment: row.payment(database.currency()).ok()? })
    };
    Ok(rows.into_iter().filter(|row| row.call_off).filter_map(cancellation).collect())
}
