use std::collections::HashMap;

use comanda_domain::{
    EventKind, Timestamp,
    ports::{DueEvent, Unavailable},
};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Integer, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{
    malformed::{dead_letter, read},
    row::{EVENT_COLUMNS, EVENT_JOINS, EventRow},
};
use crate::database::{Database, Named, NamedRows};

/// What a look has found.
#[derive(QueryableByName)]
struct Looked {
    /// The last row that it looked at.
    #[diesel(sql_type = Timestamptz)]
    next_at: Timestamp,
    #[diesel(sql_type = BigInt)]
    id: i64,
    /// How many rows it looked at.
    #[diesel(sql_type = BigInt)]
    rows: i64,
    /// What it has taken.
    #[diesel(sql_type = Array<BigInt>)]
    due: Vec<i64>,
}

impl Looked {
    const BEGINNING: Self = Self { next_at: Timestamp::UNIX_EPOCH, id: 0, rows: 0, due: Vec::new() };
}

#[derive(QueryableByName)]
struct RetryRow {
    #[diesel(sql_type = BigInt)]
    retry_id: i64,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Timestamptz)]
    taken_until: Timestamp,
    #[diesel(embed)]
    event: EventRow,
}

/// Takes what is due, the first event of each stream. An event behind another one of its stream is put off until that
/// one is due: so a receiver that is gone for a day costs each look a few rows, and not all that wait for it.
pub(super) async fn take_due(database: &Database, subscriber: &str, limit: u32) -> Result<Vec<DueEvent>, Unavailable> {
    let mut connection = database.connection().await?;
    let mut after = Looked::BEGINNING;
    let rows = loop {
        let looked: Looked = sql_query(include_str!("look_for_due.sql"))
            .bind::<Text, _>(subscriber)
            .bind::<Timestamptz, _>(after.next_at)
            .bind::<BigInt, _>(after.id)
            .bind::<BigInt, _>(i64::from(limit))
            // The others are left for a newer server.
            .bind::<Array<Text>, _>(EventKind::NAMES.as_slice())
            .get_result(&mut *connection)
            .one("outbox.look_for_due")
            .await
            .map_err(Unavailable::new)?;
        if !looked.due.is_empty() {
            break load(&mut connection, &looked.due).await?;
        }
        if looked.rows < i64::from(limit) {
            break Vec::new();
        }
        after = looked;
    };
    let retries: HashMap<i64, (i64, i32, Timestamp)> =
        rows.iter().map(|row| (row.event.id, (row.retry_id, row.attempts, row.taken_until))).collect();
    let rows = rows.into_iter().map(|row| row.event).collect();
    let (events, malformed) = read(&connection, rows, database.currency()).await?;
    dead_letter(&mut connection, subscriber, &malformed).await?;
    let due = events.into_iter().filter_map(|event| {
        let (id, attempts, taken_until) = *retries.get(&event.id)?;
        Some(DueEvent { id, attempts: u32::try_from(attempts).unwrap_or_default(), event, taken_until })
    });
    Ok(due.collect())
}

async fn load(connection: &mut AsyncPgConnection, due: &[i64]) -> Result<Vec<RetryRow>, Unavailable> {
    sql_query(format!(
        "SELECT due.id AS retry_id, due.attempts, due.taken_until, {EVENT_COLUMNS}, false AS is_held \
         FROM outbox_retries due JOIN outbox_events e ON e.id = due.event_id {EVENT_JOINS} \
         WHERE due.id = ANY($1) AND due.taken_until > now()"
    ))
    .bind::<Array<BigInt>, _>(due)
    .load(connection)
    .rows("outbox.load_due")
    .await
    .map_err(Unavailable::new)
}
