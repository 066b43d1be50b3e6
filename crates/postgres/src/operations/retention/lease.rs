use std::time::Duration;

use comanda_domain::ports::Unavailable;
use diesel::{
    sql_query,
    sql_types::{Double, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::database::{Database, Named};

/// A row, by the database's clock: it needs no connection of its own, and a server that is gone loses it in time.
pub(super) async fn hold(database: &Database, holder: Uuid, duration: Duration) -> Result<bool, Unavailable> {
    let mut connection = database.connection().await?;
    let held = sql_query(
        "INSERT INTO leases AS l (name, holder, held_until) \
         VALUES ('delete_old_rows', $1, now() + $2 * interval '1 second') \
         ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, held_until = EXCLUDED.held_until \
         WHERE l.holder = EXCLUDED.holder OR l.held_until < now()",
    )
    .bind::<SqlUuid, _>(holder)
    .bind::<Double, _>(duration.as_secs_f64())
    .execute(&mut *connection)
    .changes("lease.hold")
    .await
    .map_err(Unavailable::new)?;
    Ok(held == 1)
}
