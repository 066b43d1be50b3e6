use comanda_domain::ports::{EventBatch, OutboxPosition, Unavailable};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{
    lease::Leases,
    malformed::{dead_letter, read},
    row::{EVENT_COLUMNS, EVENT_JOINS, EventRow},
};
use crate::database::{Database, NamedRows};

/// The condition that an event `v` comes after what was delivered to the subscriber `$1`. Its position is compared as
/// two values instead of being joined: only then does the scan of the index begin there, and not at the first event
/// ever.
pub(super) const AFTER_POSITION: &str = "(v.transaction_id, v.id) > \
    ((SELECT transaction_id FROM outbox_subscribers WHERE name = $1), \
     (SELECT event_id FROM outbox_subscribers WHERE name = $1))";

#[derive(QueryableByName)]
struct PlacedEvent {
    #[diesel(sql_type = BigInt)]
    transaction_id: i64,
    #[diesel(embed)]
    event: EventRow,
}

pub(super) async fn next(
    database: &Database,
    leases: &Leases,
    subscriber: &str,
    limit: u32,
) -> Result<Option<EventBatch>, Unavailable> {
    let Some(lease) = leases.take(database, subscriber).await? else { return Ok(None) };
    let batch = read_next(&mut *lease.lock().await, database, subscriber, limit).await;
    if batch.is_err() {
        leases.give_up(subscriber).await;
    }
    batch.map(Some)
}

async fn read_next(
    connection: &mut AsyncPgConnection,
    database: &Database,
    subscriber: &str,
    limit: u32,
) -> Result<EventBatch, Unavailable> {
    let rows: Vec<PlacedEvent> = sql_query(format!(
        "SELECT e.transaction_id, {EVENT_COLUMNS}, \
                EXISTS (SELECT FROM outbox_retries r WHERE r.subscriber = $1 \
                        AND r.stream_id = coalesce(e.stream_id, e.subject_id) AND NOT r.is_dead) AS is_held \
         FROM (SELECT v.* FROM outbox_events v WHERE {AFTER_POSITION} \
               AND v.transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint \
               ORDER BY v.transaction_id, v.id LIMIT $2) e {EVENT_JOINS} \
         ORDER BY e.transaction_id, e.id"
    ))
    .bind::<Text, _>(subscriber)
    .bind::<BigInt, _>(i64::from(limit))
    .load(connection)
    .rows("outbox.next")
    .await
    .map_err(Unavailable::new)?;
    let position = rows.last().map(|row| OutboxPosition { transaction: row.transaction_id, event: row.event.id });
    let (events, malformed) = read(rows.into_iter().map(|row| row.event), database.currency());
    dead_letter(connection, subscriber, &malformed).await?;
    Ok(EventBatch { events, position })
}
