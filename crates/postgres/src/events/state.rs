use std::time::Duration;

use comanda_domain::ports::{OutboxState, Unavailable};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Double, Text},
};
use diesel_async::RunQueryDsl;

use super::next::AFTER_POSITION;
use crate::database::{Database, Named};

#[derive(QueryableByName)]
struct StateRow {
    #[diesel(sql_type = Double)]
    lag: f64,
    #[diesel(sql_type = BigInt)]
    dead: i64,
}

pub(super) async fn state(database: &Database, subscriber: &str) -> Result<OutboxState, Unavailable> {
    let mut connection = database.list_connection().await?;
    let row: StateRow = sql_query(format!(
        "SELECT greatest(0, extract(epoch FROM now() - least(\
             (SELECT v.occurred_at FROM outbox_events v WHERE {AFTER_POSITION} \
              ORDER BY v.transaction_id, v.id LIMIT 1), \
             (SELECT min(e.occurred_at) FROM outbox_retries r JOIN outbox_events e ON e.id = r.event_id \
              WHERE r.subscriber = $1 AND NOT r.is_dead), \
             now())))::float8 AS lag, \
           (SELECT count(*) FROM outbox_retries WHERE subscriber = $1 AND is_dead) AS dead"
    ))
    .bind::<Text, _>(subscriber)
    .get_result(&mut *connection)
    .one("outbox.state")
    .await
    .map_err(Unavailable::new)?;
    Ok(OutboxState { lag: Duration::from_secs_f64(row.lag.max(0.0)), dead: u64::try_from(row.dead).unwrap_or(0) })
}
