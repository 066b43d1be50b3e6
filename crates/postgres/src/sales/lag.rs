use std::time::Duration;

use comanda_domain::ports::Unavailable;
use diesel::{QueryableByName, sql_query, sql_types::Double};
use diesel_async::RunQueryDsl;

use crate::database::{Database, Named};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Double)]
    lag: f64,
}

/// How long ago the first event happened that is not summarized. It is found by index, like in `next.rs` of the events.
pub(super) async fn lag(database: &Database) -> Result<Duration, Unavailable> {
    let mut connection = database.read_connection().await?;
    let row: Row = sql_query(
        "SELECT coalesce(extract(epoch FROM now() - \
           (SELECT v.occurred_at FROM outbox_events v \
            WHERE (v.transaction_id, v.id) > \
              ((SELECT transaction_id FROM sales_summarized), (SELECT event_id FROM sales_summarized)) \
            ORDER BY v.transaction_id, v.id LIMIT 1)), 0)::float8 AS lag",
    )
    .get_result(&mut *connection)
    .one("sales.lag")
    .await
    .map_err(Unavailable::new)?;
    Ok(Duration::try_from_secs_f64(row.lag).unwrap_or_default())
}
