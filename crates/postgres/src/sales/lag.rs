use std::time::Duration;

use comanda_domain::ports::Unavailable;
use diesel::{QueryableByName, sql_query, sql_types::Double};
use diesel_async::RunQueryDsl;

use crate::database::{Database, Named, PLACE_COLUMNS, PLACE_JOINS};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Double)]
    lag: f64,
}

/// How long ago the first event happened that is not summarized: of its history as long as there are any, else of the
/// one after it. It is found by index, like in `next.rs` of the events.
pub(super) async fn lag(database: &Database) -> Result<Duration, Unavailable> {
    let mut connection = database.read_connection().await?;
    let row: Row = sql_query(format!(
        "SELECT greatest(0, extract(epoch FROM now() - coalesce(\
           (SELECT v.occurred_at FROM outbox_events v \
            WHERE (v.transaction_id, v.id) > (place.transaction_id, place.event_id) \
              AND v.transaction_id < begun_before AND v.id > after_event AND v.id <= last_event \
            ORDER BY v.transaction_id, v.id LIMIT 1), \
           (SELECT v.occurred_at FROM outbox_events v WHERE v.id > last_event ORDER BY v.id LIMIT 1), \
           now())))::float8 AS lag \
         FROM (SELECT {PLACE_COLUMNS} FROM sales_summarized p {PLACE_JOINS}) place"
    ))
    .get_result(&mut *connection)
    .one("sales.lag")
    .await
    .map_err(Unavailable::new)?;
    Ok(Duration::try_from_secs_f64(row.lag).unwrap_or_default())
}
