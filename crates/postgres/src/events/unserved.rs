//! Subscribers that no server delivers to.

use comanda_domain::ports::{Unavailable, Unserved};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::place::place;
use crate::database::{Database, Named, NamedRows, Place};

/// So many are counted at no great cost.
const MOST_COUNTED: i64 = 10_000;

/// Whether a server holds the lease of the subscriber `s.name`.
const IS_HELD: &str = "EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
    AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) \
    AND ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended('comanda outbox ' || s.name, 0))";

#[derive(QueryableByName)]
pub(super) struct Name {
    #[diesel(sql_type = Text)]
    pub(super) name: String,
}

#[derive(QueryableByName)]
struct Held {
    #[diesel(sql_type = Bool)]
    is_held: bool,
}

#[derive(QueryableByName)]
pub(super) struct Counts {
    #[diesel(sql_type = BigInt)]
    pub(super) waiting: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) dead: i64,
}

/// Whether any server delivers to the subscriber now.
pub(super) async fn is_held(connection: &mut AsyncPgConnection, subscriber: &str) -> diesel::QueryResult<bool> {
    let held: Held = sql_query(format!("SELECT {IS_HELD} AS is_held FROM (SELECT $1 AS name) s"))
        .bind::<Text, _>(subscriber)
        .get_result(connection)
        .one("outbox.is_held")
        .await?;
    Ok(held.is_held)
}

pub(super) async fn unserved(database: &Database, served: &[String]) -> Result<Vec<Unserved>, Unavailable> {
    // Locks are known where they are taken, and not on a replica.
    let mut connection = database.connection().await?;
    let names: Vec<Name> = sql_query(format!(
        "SELECT s.name FROM outbox_subscribers s WHERE s.name <> ALL ($1) AND NOT {IS_HELD} ORDER BY s.name"
    ))
    .bind::<Array<Text>, _>(served)
    .load(&mut *connection)
    .rows("outbox.unserved")
    .await
    .map_err(Unavailable::new)?;
    let mut found = Vec::new();
    for Name { name } in names {
        let Some(place) = place(&mut connection, &name).await? else { continue };
        let Counts { waiting, dead } = counts(&mut connection, &name, place.by_id_if_ahead()).await?;
        if waiting > 0 || dead > 0 {
            let [waiting, dead] = [waiting, dead].map(|count| u64::try_from(count).unwrap_or_default());
            found.push(Unserved { subscriber: name, waiting, dead });
        }
    }
    Ok(found)
}

pub(super) async fn counts(
    connection: &mut AsyncPgConnection,
    subscriber: &str,
    place: Place,
) -> Result<Counts, Unavailable> {
    sql_query(
        "SELECT (SELECT count(*) FROM (SELECT FROM outbox_events v WHERE (v.transaction_id, v.id) > ($2, $3) \
                  AND v.transaction_id < $4 AND v.id > $5 AND v.id <= $6 LIMIT $7) of_history) \
              + (SELECT count(*) FROM (SELECT FROM outbox_events v WHERE v.id > $6 LIMIT $7) later) \
              + (SELECT count(*) FROM \
                  (SELECT FROM outbox_retries WHERE subscriber = $1 AND NOT is_dead LIMIT $7) again) AS waiting, \
                (SELECT count(*) FROM (SELECT FROM outbox_retries WHERE subscriber = $1 AND is_dead LIMIT $7) dead) \
                AS dead",
    )
    .bind::<Text, _>(subscriber)
    .bind::<BigInt, _>(place.transaction_id)
    .bind::<BigInt, _>(place.event_id)
    .bind::<BigInt, _>(place.begun_before)
    .bind::<BigInt, _>(place.after_event)
    .bind::<BigInt, _>(place.last_event)
    .bind::<BigInt, _>(MOST_COUNTED)
    .get_result(connection)
    .one("outbox.count_unserved")
    .await
    .map_err(Unavailable::new)
}
