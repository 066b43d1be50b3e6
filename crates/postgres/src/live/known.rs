use comanda_domain::StreamPosition;
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Bool},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::here::Here;
use crate::database::Named;

/// Whoever is farther behind than one reading goes begins anew: the others would wait.
const MOST_EVENTS: i64 = 5_000;

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = Bool)]
    known: bool,
}

/// Whether everything after the position can still be read.
pub(super) async fn is_known(
    connection: &mut AsyncPgConnection,
    here: &Here,
    from: &StreamPosition,
) -> QueryResult<bool> {
    // Events of a transaction that runs for long say that they happened when it began.
    const MARGIN_SECONDS: i64 = 3600;

    if from.history != here.history || from.transaction.max(from.begun_before) > here.begun_before {
        return Ok(false);
    }
    let known: Known = sql_query(
        "SELECT (SELECT deleted_before FROM outbox_horizon) < to_timestamp($3) AND NOT EXISTS (\
           SELECT FROM outbox_events \
           WHERE (transaction_id, id) > ($1, $2) AND transaction_id < $4 AND id > $5 \
           ORDER BY transaction_id, id OFFSET $6) AS known",
    )
    .bind::<BigInt, _>(from.transaction)
    .bind::<BigInt, _>(from.event)
    // Of a time that is far from ours, PostgreSQL makes no timestamp.
    .bind::<BigInt, _>(from.given_at.min(here.now).saturating_sub(MARGIN_SECONDS))
    .bind::<BigInt, _>(here.begun_before)
    .bind::<BigInt, _>(here.after_event)
    .bind::<BigInt, _>(MOST_EVENTS)
    .get_result(connection)
    .one("live.find_position")
    .await?;
    Ok(known.known)
}
