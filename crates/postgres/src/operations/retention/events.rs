//! Events of the outbox that nobody needs any more.

use std::sync::{Arc, Mutex, PoisonError};

use comanda_domain::{
    Timestamp,
    ports::{Deleted, Unavailable},
};
use diesel::{
    OptionalExtension, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::database::{Database, Failure, Named};

/// In the order of transactions, like the index `outbox_events_by_transaction`.
#[derive(Clone, Copy, Debug, QueryableByName)]
struct Position {
    #[diesel(sql_type = BigInt)]
    transaction_id: i64,
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Before every event.
const BEGINNING: Position = Position { transaction_id: -1, id: 0 };

/// Up to here every subscriber has the events, and the sales figures include them: the least position of all. None, as
/// long as a position is one of another cluster, from which this database was restored: then it says nothing here.
const SETTLED: &str = "\
    WITH reached AS (\
      SELECT history, transaction_id, event_id AS id FROM outbox_subscribers \
      UNION ALL SELECT history, transaction_id, event_id FROM sales_summarized) \
    SELECT transaction_id, id FROM reached \
    WHERE (SELECT min(history) FROM reached) = latest_database_history() \
      AND (SELECT max(transaction_id) FROM reached) <= pg_snapshot_xmax(pg_current_snapshot())::text::bigint \
    ORDER BY transaction_id, id LIMIT 1";

/// Looks at the next events after ($1, $2) up to ($3, $4), $5 at most, and deletes those that happened before $6 and
/// that nobody tries again to deliver. It looks no further than that: to find the next that is old enough, it might have
/// to read all events there are.
const DELETE: &str = "\
    WITH looked_at AS MATERIALIZED (\
      SELECT transaction_id, id, occurred_at FROM outbox_events \
      WHERE (transaction_id, id) > ($1, $2) AND (transaction_id, id) <= ($3, $4) \
      ORDER BY transaction_id, id LIMIT $5), \
    deleted AS (\
      DELETE FROM outbox_events WHERE id IN (\
        SELECT id FROM looked_at l WHERE occurred_at < $6 \
        AND NOT EXISTS (SELECT FROM outbox_retries r WHERE r.event_id = l.id)) \
      RETURNING id) \
    SELECT transaction_id, id, (SELECT count(*) FROM deleted) AS deleted, \
           (SELECT count(*) FROM looked_at) = $5 AND (SELECT min(occurred_at) FROM looked_at) < $6 AS more \
    FROM looked_at ORDER BY transaction_id DESC, id DESC LIMIT 1";

#[derive(QueryableByName)]
struct Batch {
    #[diesel(embed)]
    last: Position,
    #[diesel(sql_type = BigInt)]
    deleted: i64,
    #[diesel(sql_type = Bool)]
    more: bool,
}

/// Remembers where the last batch ended, so that the next one does not read again what that has left alone or deleted,
/// until there is no more.
#[derive(Default)]
pub(super) struct OldEvents {
    position: Arc<Mutex<Option<Position>>>,
}

impl OldEvents {
    pub(super) async fn delete(
        &self,
        database: &Database,
        before: Timestamp,
        limit: u32,
    ) -> Result<Deleted, Unavailable> {
        let after = self.position.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(BEGINNING);
        let batch =
            database.transaction(async move |connection| delete_batch(connection, after, before, limit).await).await?;
        let next = batch.as_ref().filter(|batch| batch.more).map(|batch| batch.last);
        *self.position.lock().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(batch.map_or_else(Deleted::default, |batch| Deleted {
            rows: u64::try_from(batch.deleted).unwrap_or_default(),
            more: batch.more,
        }))
    }
}

async fn delete_batch(
    connection: &mut AsyncPgConnection,
    after: Position,
    before: Timestamp,
    limit: u32,
) -> Result<Option<Batch>, Failure<Unavailable>> {
    let settled: Option<Position> = sql_query(SETTLED).get_result(connection).one("outbox.settled").await.optional()?;
    let Some(settled) = settled else { return Ok(None) };
    // What proves that events are complete has to know from when on they must be.
    sql_query("UPDATE outbox_horizon SET deleted_before = $1 WHERE deleted_before < $1")
        .bind::<Timestamptz, _>(before)
        .execute(connection)
        .changes("outbox.raise_horizon")
        .await?;
    let batch = sql_query(DELETE)
        .bind::<BigInt, _>(after.transaction_id)
        .bind::<BigInt, _>(after.id)
        .bind::<BigInt, _>(settled.transaction_id)
        .bind::<BigInt, _>(settled.id)
        .bind::<BigInt, _>(i64::from(limit))
        .bind::<Timestamptz, _>(before)
        .get_result(connection)
        .one("outbox.delete_old")
        .await
        .optional()?;
    Ok(batch)
}

pub(super) async fn see_subscribers(database: &Database, names: &[String]) -> Result<(), Unavailable> {
    if names.is_empty() {
        return Ok(());
    }
    let mut connection = database.connection().await?;
    sql_query("UPDATE outbox_subscribers SET seen_at = now() WHERE name = ANY($1)")
        .bind::<Array<Text>, _>(names)
        .execute(&mut *connection)
        .changes("outbox.see_subscribers")
        .await
        .map(drop)
        .map_err(Unavailable::new)
}
