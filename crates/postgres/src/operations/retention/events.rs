//! Events of the outbox that nobody needs any more.

use std::sync::{Mutex, PoisonError};

use comanda_domain::{
    Timestamp,
    ports::{Deleted, Unavailable},
};
use diesel::{
    OptionalExtension, QueryResult, QueryableByName,
    pg::Pg,
    sql_query,
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::Beginnings;
use crate::database::{Database, Failure, Named, NamedRows};

/// In the order of transactions, like the index `outbox_events_by_transaction`.
#[derive(Clone, Copy, Debug, QueryableByName)]
struct Position {
    #[diesel(sql_type = BigInt)]
    transaction_id: i64,
    #[diesel(sql_type = BigInt)]
    id: i64,
}

impl Position {
    /// Before every event.
    const BEGINNING: Self = Self { transaction_id: -1, id: 0 };
}

/// Up to here every subscriber has the events, and the sales figures include them.
#[derive(QueryableByName)]
struct Settled {
    /// The least position of all.
    #[diesel(embed)]
    position: Position,
    /// The last event of earlier histories of the database.
    #[diesel(sql_type = BigInt)]
    after_event: i64,
}

/// None, as long as a position is one of another cluster, from which this database was restored: then it says nothing
/// here.
const SETTLED: &str = "\
    WITH reached AS (\
      SELECT history, transaction_id, event_id AS id FROM outbox_subscribers \
      UNION ALL SELECT history, transaction_id, event_id FROM sales_summarized) \
    SELECT r.transaction_id, r.id, h.after_event \
    FROM reached r JOIN database_histories h ON h.id = latest_database_history() \
    WHERE (SELECT min(history) FROM reached) = h.id \
      AND (SELECT max(transaction_id) FROM reached) <= pg_snapshot_xmax(pg_current_snapshot())::text::bigint \
    ORDER BY r.transaction_id, r.id LIMIT 1";

/// Settled events, in the order of an index.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// Those that earlier clusters wrote, by id: their transactions' numbers may be ahead of all that there are here.
    Earlier { after: i64, last: i64 },
    /// The others, by transaction.
    Current { after: Position, last: Position },
}

impl Part {
    const fn condition_and_order(self) -> (&'static str, &'static str) {
        match self {
            Self::Earlier { .. } => ("id > $3 AND id <= $4", "id"),
            Self::Current { .. } => {
                ("(transaction_id, id) > ($3, $4) AND (transaction_id, id) <= ($5, $6)", "transaction_id, id")
            }
        }
    }

    /// Looks at the next $1 events, and deletes those that happened before $2 and that nobody tries again to deliver.
    /// It looks no further than that: to find the next that is old enough, it might have to read all events there are.
    /// Says up to where all of them are old.
    fn statement(self) -> String {
        let (condition, order) = self.condition_and_order();
        format!(
            "WITH looked_at AS MATERIALIZED (\
               SELECT row_number() OVER () AS place, transaction_id, id, occurred_at FROM (\
                 SELECT transaction_id, id, occurred_at FROM outbox_events \
                 WHERE {condition} ORDER BY {order} LIMIT $1) next), \
             deleted AS (\
               DELETE FROM outbox_events WHERE id = ANY (ARRAY (\
                 SELECT id FROM looked_at l WHERE occurred_at < $2 \
                 AND NOT EXISTS (SELECT FROM outbox_retries r WHERE r.event_id = l.id))) \
               RETURNING id) \
             SELECT last.transaction_id, last.id, deleted.rows, coalesce(last.place = $1, false) AS more \
             FROM (SELECT count(*) AS rows FROM deleted) deleted \
             LEFT JOIN (SELECT * FROM looked_at \
                        WHERE place < (SELECT coalesce(min(place), $1 + 1) FROM looked_at WHERE occurred_at >= $2) \
                        ORDER BY place DESC LIMIT 1) last ON true"
        )
    }
}

#[derive(QueryableByName)]
struct Batch {
    #[diesel(sql_type = Nullable<BigInt>)]
    transaction_id: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    id: Option<i64>,
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(sql_type = Bool)]
    more: bool,
}

/// Up to where all old events were deleted, or left alone.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    earlier: i64,
    current: Option<Position>,
}

/// Remembers where the last batch ended.
#[derive(Default)]
pub(super) struct OldEvents {
    beginnings: Mutex<Beginnings<Progress>>,
}

impl OldEvents {
    pub(super) async fn delete(
        &self,
        database: &Database,
        before: Timestamp,
        limit: u32,
    ) -> Result<Deleted, Unavailable> {
        let progress = *self.beginnings.lock().unwrap_or_else(PoisonError::into_inner).current();
        let (deleted, progress) = database
            .transaction(async move |connection| delete_some(connection, progress, before, limit).await)
            .await?;
        *self.beginnings.lock().unwrap_or_else(PoisonError::into_inner).current() = progress;
        Ok(deleted)
    }
}

async fn delete_some(
    connection: &mut AsyncPgConnection,
    progress: Progress,
    before: Timestamp,
    limit: u32,
) -> Result<(Deleted, Progress), Failure<Unavailable>> {
    let settled: Option<Settled> = sql_query(SETTLED).get_result(connection).one("outbox.settled").await.optional()?;
    let Some(settled) = settled else { return Ok((Deleted::default(), progress)) };
    // What proves that events are complete has to know from when on they must be.
    sql_query("UPDATE outbox_horizon SET deleted_before = $1 WHERE deleted_before < $1")
        .bind::<Timestamptz, _>(before)
        .execute(connection)
        .changes("outbox.raise_horizon")
        .await?;
    let mut deleted = Deleted::default();
    let mut next = progress;
    if settled.after_event > 0 {
        let part = Part::Earlier { after: progress.earlier, last: settled.after_event };
        if let Some(done) = delete_batch(connection, part, before, limit, &mut deleted).await? {
            next.earlier = done.id;
        }
        if deleted.more {
            return Ok((deleted, next));
        }
    }
    let part = Part::Current { after: progress.current.unwrap_or(Position::BEGINNING), last: settled.position };
    if let Some(done) = delete_batch(connection, part, before, limit, &mut deleted).await? {
        next.current = Some(done);
    }
    Ok((deleted, next))
}

async fn delete_batch(
    connection: &mut AsyncPgConnection,
    part: Part,
    before: Timestamp,
    limit: u32,
    deleted: &mut Deleted,
) -> QueryResult<Option<Position>> {
    let query = sql_query(part.statement())
        .into_boxed::<Pg>()
        .bind::<BigInt, _>(i64::from(limit))
        .bind::<Timestamptz, _>(before);
    let query = match part {
        Part::Earlier { after, last } => query.bind::<BigInt, _>(after).bind::<BigInt, _>(last),
        Part::Current { after, last } => query
            .bind::<BigInt, _>(after.transaction_id)
            .bind::<BigInt, _>(after.id)
            .bind::<BigInt, _>(last.transaction_id)
            .bind::<BigInt, _>(last.id),
    };
    let batch: Batch = query.get_result(connection).one("outbox.delete_old").await?;
    deleted.rows += u64::try_from(batch.rows).unwrap_or_default();
    deleted.more |= batch.more;
    Ok(batch.transaction_id.zip(batch.id).map(|(transaction_id, id)| Position { transaction_id, id }))
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

#[derive(QueryableByName)]
struct Forgotten {
    #[diesel(sql_type = Text)]
    name: String,
}

/// What they could not be given stays, with the events: an admin may look at it, and they may come back.
pub(super) async fn forget_subscribers(
    database: &Database,
    before: Timestamp,
    limit: u32,
) -> Result<Deleted, Unavailable> {
    let mut connection = database.connection().await?;
    let forgotten: Vec<Forgotten> = sql_query(
        "DELETE FROM outbox_subscribers WHERE name = ANY (ARRAY (\
           SELECT name FROM outbox_subscribers WHERE seen_at < $1 ORDER BY seen_at LIMIT $2 FOR UPDATE SKIP LOCKED)) \
         RETURNING name",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(i64::from(limit))
    .load(&mut *connection)
    .rows("outbox.forget_subscribers")
    .await
    .map_err(Unavailable::new)?;
    for Forgotten { name } in &forgotten {
        tracing::warn!(
            subscriber = %name,
            not_seen_since = %before,
            "no server delivers to it any more: no events are kept for it; if it comes back, it gets later ones only"
        );
    }
    Ok(Deleted { rows: forgotten.len() as u64, more: forgotten.len() == limit as usize })
}
