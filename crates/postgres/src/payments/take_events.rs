use comanda_domain::ports::{InboxEvent, Unavailable};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, Integer, Text},
};
use diesel_async::RunQueryDsl;

use super::at_most;
use crate::database::{Database, NamedRows};

#[derive(QueryableByName)]
struct EventRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    body: String,
}

/// The pauses grow from half a minute to a quarter of an hour.
pub(super) async fn take_events(
    database: &Database,
    known_kinds: &[&'static str],
    limit: u32,
) -> Result<Vec<InboxEvent>, Unavailable> {
    let mut connection = database.connection().await?;
    let rows: Vec<EventRow> = sql_query(
        "UPDATE gateway_events SET attempts = least(attempts, 1000000) + 1, \
           taken_until = now() + interval '30 seconds' * least(2 ^ greatest(least(attempts, 5), 0), 30) \
         WHERE id = ANY(ARRAY( \
           SELECT id FROM gateway_events \
           WHERE handled_at IS NULL AND (taken_until IS NULL OR taken_until < now()) \
           ORDER BY received_at LIMIT $1 FOR UPDATE SKIP LOCKED)) \
         OR id = ANY(ARRAY( \
           SELECT id FROM gateway_events \
           WHERE unknown_kind = ANY($2) AND (taken_until IS NULL OR taken_until < now()) \
           ORDER BY received_at LIMIT $1 FOR UPDATE SKIP LOCKED)) \
         RETURNING id, body",
    )
    .bind::<Integer, _>(at_most(limit))
    .bind::<Array<Text>, _>(known_kinds)
    .load(&mut *connection)
    .rows("gateway_event.take")
    .await
    .map_err(Unavailable::new)?;
    Ok(rows.into_iter().map(|row| InboxEvent { id: row.id, body: row.body }).collect())
}
