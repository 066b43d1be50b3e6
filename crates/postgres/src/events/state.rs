use std::time::Duration;

use comanda_domain::ports::{OutboxState, Unavailable};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Double, Nullable, Text},
};
use diesel_async::RunQueryDsl;

use super::place::place;
use crate::database::{Database, Named, Place};

#[derive(QueryableByName)]
struct StateRow {
    #[diesel(sql_type = Double)]
    lag: f64,
    #[diesel(sql_type = BigInt)]
    dead: i64,
}

pub(super) async fn state(database: &Database, subscriber: &str) -> Result<OutboxState, Unavailable> {
    let mut connection = database.list_connection().await?;
    let place = place(&mut connection, subscriber).await?.map(Place::by_id_if_ahead);
    let place = place.as_ref();
    let row: StateRow = sql_query(
        "SELECT greatest(0, extract(epoch FROM now() - least(\
             (SELECT v.occurred_at FROM outbox_events v WHERE (v.transaction_id, v.id) > ($2, $3) \
              AND v.transaction_id < $4 AND v.id > $5 AND v.id <= $6 ORDER BY v.transaction_id, v.id LIMIT 1), \
             (SELECT v.occurred_at FROM outbox_events v WHERE v.id > $6 ORDER BY v.id LIMIT 1), \
             (SELECT min(e.occurred_at) FROM outbox_retries r JOIN outbox_events e ON e.id = r.event_id \
              WHERE r.subscriber = $1 AND NOT r.is_dead), \
             now())))::float8 AS lag, \
           (SELECT count(*) FROM outbox_retries WHERE subscriber = $1 AND is_dead) AS dead",
    )
    .bind::<Text, _>(subscriber)
    .bind::<Nullable<BigInt>, _>(place.map(|place| place.transaction_id))
    .bind::<Nullable<BigInt>, _>(place.map(|place| place.event_id))
    .bind::<Nullable<BigInt>, _>(place.map(|place| place.begun_before))
    .bind::<Nullable<BigInt>, _>(place.map(|place| place.after_event))
    .bind::<Nullable<BigInt>, _>(place.map(|place| place.last_event))
    .get_result(&mut *connection)
    .one("outbox.state")
    .await
    .map_err(Unavailable::new)?;
    Ok(OutboxState { lag: Duration::from_secs_f64(row.lag.max(0.0)), dead: u64::try_from(row.dead).unwrap_or(0) })
}
