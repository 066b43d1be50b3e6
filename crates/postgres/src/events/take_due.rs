use std::collections::HashMap;

use comanda_domain::{
    EventKind,
    ports::{DueEvent, Unavailable},
};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Integer, Text},
};
use diesel_async::RunQueryDsl;

use super::{
    malformed::{dead_letter, read},
    row::{EVENT_COLUMNS, EVENT_JOINS, EventRow},
};
use crate::database::{Database, NamedRows};

#[derive(QueryableByName)]
struct RetryRow {
    #[diesel(sql_type = BigInt)]
    retry_id: i64,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(embed)]
    event: EventRow,
}

pub(super) async fn take_due(database: &Database, subscriber: &str, limit: u32) -> Result<Vec<DueEvent>, Unavailable> {
    let mut connection = database.connection().await?;
    let rows: Vec<RetryRow> = sql_query(format!(
        "WITH due AS (\
           UPDATE outbox_retries SET taken_until = now() + interval '30 seconds' WHERE id IN (\
             SELECT id FROM outbox_retries r WHERE subscriber = $1 AND NOT is_dead AND next_at <= now() \
             AND (taken_until IS NULL OR taken_until < now()) \
             AND NOT EXISTS (SELECT FROM outbox_retries earlier WHERE earlier.subscriber = r.subscriber \
                             AND earlier.stream_id = r.stream_id AND NOT earlier.is_dead AND earlier.id < r.id) \
             AND EXISTS (SELECT FROM outbox_events e WHERE e.id = r.event_id AND e.kind = ANY($3)) \
             ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED) \
           RETURNING id, event_id, attempts) \
         SELECT due.id AS retry_id, due.attempts, {EVENT_COLUMNS}, false AS is_held \
         FROM due JOIN outbox_events e ON e.id = due.event_id {EVENT_JOINS}"
    ))
    .bind::<Text, _>(subscriber)
    .bind::<Integer, _>(i32::try_from(limit).unwrap_or(i32::MAX))
    // The others are left for a newer server.
    .bind::<Array<Text>, _>(EventKind::NAMES.as_slice())
    .load(&mut *connection)
    .rows("outbox.take_due")
    .await
    .map_err(Unavailable::new)?;
    let retries: HashMap<i64, (i64, i32)> =
        rows.iter().map(|row| (row.event.id, (row.retry_id, row.attempts))).collect();
    let (events, malformed) = read(rows.into_iter().map(|row| row.event), database.currency());
    dead_letter(&mut connection, subscriber, &malformed).await?;
    let due = events.into_iter().filter_map(|event| {
        let (id, attempts) = *retries.get(&event.id)?;
        Some(DueEvent { id, attempts: u32::try_from(attempts).unwrap_or_default(), event })
    });
    Ok(due.collect())
}
