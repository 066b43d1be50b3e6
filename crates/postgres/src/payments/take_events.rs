use comanda_domain::ports::{InboxEvent, Unavailable};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Integer, Text},
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

pub(super) async fn take_events(database: &Database, limit: u32) -> Result<Vec<InboxEvent>, Unavailable> {
    let mut connection = database.connection().await?;
    let rows: Vec<EventRow> = sql_query(
        "UPDATE gateway_events SET taken_until = now() + interval '30 seconds' WHERE id IN (\
         SELECT id FROM gateway_events WHERE handled_at IS NULL AND (taken_until IS NULL OR taken_until < now()) \
         ORDER BY received_at LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING id, body",
    )
    .bind::<Integer, _>(at_most(limit))
    .load(&mut *connection)
    .rows("gateway_event.take")
    .await
    .map_err(Unavailable::new)?;
    Ok(rows.into_iter().map(|row| InboxEvent { id: row.id, body: row.body }).collect())
}
