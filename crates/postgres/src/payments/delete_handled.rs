use comanda_domain::{Timestamp, ports::Unavailable};
use diesel::{
    sql_query,
    sql_types::{BigInt, Timestamptz},
};
use diesel_async::RunQueryDsl;

use crate::database::{Database, Named};

pub(super) async fn delete_handled(database: &Database, before: Timestamp, limit: u32) -> Result<u64, Unavailable> {
    let mut connection = database.connection().await?;
    sql_query(
        "DELETE FROM gateway_events WHERE id IN (\
           SELECT id FROM gateway_events WHERE handled_at < $1 AND malformed IS NULL \
           ORDER BY handled_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(i64::from(limit))
    .execute(&mut *connection)
    .changes("gateway_event.delete_handled")
    .await
    .map(|deleted| deleted as u64)
    .map_err(Unavailable::new)
}
