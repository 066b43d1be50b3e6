use comanda_domain::ports::{EventBatch, OutboxPosition, Unavailable};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use thiserror::Error;

use super::{
    lease::Leases,
    malformed::{dead_letter, read},
    place::{begin_history, place},
    row::{EVENT_COLUMNS, EVENT_JOINS, EventRow},
};
use crate::database::{Database, NamedRows, Place, flush_what_was_read, follow_history};

/// The server gives up its turn, so that a newer one goes on.
#[derive(Debug, Error)]
#[error("events of the kind {0} are left for a newer server")]
struct UnknownKind(String);

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
    let Some(mut lease) = leases.take(database, subscriber).await? else { return Ok(None) };
    let batch = read_on(&mut lease, database, subscriber, limit).await?;
    leases.put_back(subscriber, lease);
    Ok(Some(batch))
}

/// Reads the next events, of the subscriber's history as long as there are any, then of the one after it.
async fn read_on(
    connection: &mut AsyncPgConnection,
    database: &Database,
    subscriber: &str,
    limit: u32,
) -> Result<EventBatch, Unavailable> {
    loop {
        let place = place(connection, subscriber).await?.ok_or_else(|| Unavailable::new("the subscriber is gone"))?;
        if place.is_ahead() {
            follow_history(connection).await.map_err(Unavailable::new)?;
            continue;
        }
        let batch = read_next(connection, database, subscriber, place, limit).await?;
        match place.next_history {
            Some(history) if batch.position.is_none() => begin_history(connection, subscriber, history).await?,
            _ => return Ok(batch),
        }
    }
}

async fn read_next(
    connection: &mut AsyncPgConnection,
    database: &Database,
    subscriber: &str,
    place: Place,
    limit: u32,
) -> Result<EventBatch, Unavailable> {
    // The position is bound as two values instead of being joined: only then does the scan of the index begin there,
    // and not at the first event ever.
    let rows: Vec<PlacedEvent> = sql_query(format!(
        "SELECT e.transaction_id, {EVENT_COLUMNS}, \
                EXISTS (SELECT FROM outbox_retries r WHERE r.subscriber = $1 \
                        AND r.stream_id = coalesce(e.stream_id, e.subject_id) AND NOT r.is_dead) AS is_held \
         FROM (SELECT v.* FROM outbox_events v WHERE (v.transaction_id, v.id) > ($2, $3) AND v.transaction_id < $4 \
               AND v.id > $5 AND v.id <= $6 ORDER BY v.transaction_id, v.id LIMIT $7) e {EVENT_JOINS} \
         ORDER BY e.transaction_id, e.id"
    ))
    .bind::<Text, _>(subscriber)
    .bind::<BigInt, _>(place.transaction_id)
    .bind::<BigInt, _>(place.event_id)
    .bind::<BigInt, _>(place.ended_before)
    .bind::<BigInt, _>(place.after_event)
    .bind::<BigInt, _>(place.last_event)
    .bind::<BigInt, _>(i64::from(limit))
    .load(connection)
    .rows("outbox.next")
    .await
    .map_err(Unavailable::new)?;
    let is_full = rows.len() == limit as usize;
    // What a newer server wrote is left for one that knows it, and whatever comes after it waits.
    let known = rows.iter().take_while(|row| row.event.is_known()).count();
    if let Some(unknown) = rows.get(known)
        && known == 0
    {
        return Err(Unavailable::new(UnknownKind(unknown.event.kind.clone())));
    }
    let rows: Vec<PlacedEvent> = rows.into_iter().take(known).collect();
    let position = rows.last().map(|row| OutboxPosition { transaction: row.transaction_id, event: row.event.id });
    #[cfg(feature = "planted")]
    let rows = rows.into_iter().filter(|row| !crate::planted::is_lost(row.event.id)).collect::<Vec<_>>();
    let rows = rows.into_iter().map(|row| row.event).filter(EventRow::is_for_subscribers).collect();
    let (events, malformed) = read(connection, rows, database.currency()).await?;
    dead_letter(connection, subscriber, &malformed).await?;
    if position.is_some() {
        // What a crash can still undo is not announced.
        flush_what_was_read(connection).await.map_err(Unavailable::new)?;
    }
    Ok(EventBatch { events, position, is_full })
}
