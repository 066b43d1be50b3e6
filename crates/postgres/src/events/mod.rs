//! The outbox: which events a subscriber has been told of, and which have to be told again.

mod event_row;

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use comanda_domain::{
    Timestamp,
    account::Administrator,
    audit::{AuditAction, AuditRecord},
    event::Event,
    money::Currency,
    page::{Page, PageLimit},
    ports::{
        DeadLetter, DueEvent, EventBatch, Outbox, OutboxPosition, OutboxState, ResendError, RetryOutcome, Unavailable,
        Undelivered,
    },
};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use tokio::sync::Mutex;
use uuid::Uuid;

use self::event_row::{EventRow, JOINS, NOTICE};
use crate::{
    Database, audit_log,
    database::{Failure, Named, NamedRows, spawn_transaction},
};

/// The outbox in the tables `outbox_events`, `outbox_subscribers` and `outbox_retries`.
///
/// Whoever tells may do so on a thread that steps back behind others; what is done here runs where the database's connections do.
#[derive(Clone)]
pub struct PostgresOutbox {
    database: Database,
    currency: Currency,
    /// Of each subscriber that this server tells: a connection whose lock says so. The lock goes with it.
    turns: Arc<Mutex<HashMap<String, Arc<Mutex<AsyncPgConnection>>>>>,
}

/// Events `v` that the subscriber `$1` has not been told of. As values rather than by a join: only so does the index begin there, instead of at the first
/// event ever.
const AFTER: &str = "(v.transaction_id, v.id) > \
    ((SELECT transaction_id FROM outbox_subscribers WHERE name = $1), \
     (SELECT event_id FROM outbox_subscribers WHERE name = $1))";

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

#[derive(QueryableByName)]
struct PlacedEvent {
    #[diesel(sql_type = BigInt)]
    transaction_id: i64,
    #[diesel(embed)]
    event: EventRow,
}

#[derive(QueryableByName)]
struct RetryRow {
    #[diesel(sql_type = BigInt)]
    retry_id: i64,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(embed)]
    event: EventRow,
}

#[derive(QueryableByName)]
struct LetterRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    subscriber: String,
    #[diesel(sql_type = BigInt)]
    event_id: i64,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = SqlUuid)]
    stream_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    occurred_at: Timestamp,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Text)]
    last_error: String,
}

/// An event out of which no event can be made.
struct Malformed {
    event: i64,
    stream: Uuid,
    error: String,
}

#[derive(QueryableByName)]
struct StateRow {
    #[diesel(sql_type = Double)]
    lag: f64,
    #[diesel(sql_type = BigInt)]
    dead: i64,
}

impl PostgresOutbox {
    /// `currency` is the deployment's: the tables hold bare minor units.
    pub fn new(database: Database, currency: Currency) -> Self {
        Self { database, currency, turns: Arc::default() }
    }

    /// The connection that holds the subscriber's turn; `None` where another server has it.
    async fn turn(&self, subscriber: &str) -> Result<Option<Arc<Mutex<AsyncPgConnection>>>, Unavailable> {
        let mut turns = self.turns.lock().await;
        if let Some(turn) = turns.get(subscriber) {
            return Ok(Some(Arc::clone(turn)));
        }
        let mut connection = self.database.dedicated("SET application_name = 'comanda-outbox'").await?;
        let taken: Locked =
            sql_query("SELECT pg_try_advisory_lock(hashtextextended('comanda outbox ' || $1, 0)) AS locked")
                .bind::<Text, _>(subscriber)
                .get_result(&mut connection)
                .one("outbox.take_turn")
                .await
                .map_err(Unavailable::new)?;
        if !taken.locked {
            return Ok(None);
        }
        // Whoever is new hears of what is committed from now on.
        sql_query(
            "INSERT INTO outbox_subscribers (name, transaction_id, event_id) \
             VALUES ($1, pg_snapshot_xmin(pg_current_snapshot())::text::bigint, 0) ON CONFLICT DO NOTHING",
        )
        .bind::<Text, _>(subscriber)
        .execute(&mut connection)
        .changes("outbox.subscribe")
        .await
        .map_err(Unavailable::new)?;
        let turn = Arc::new(Mutex::new(connection));
        turns.insert(subscriber.to_owned(), Arc::clone(&turn));
        Ok(Some(turn))
    }

    /// The turn is over when its connection is in doubt.
    async fn give_up_turn(&self, subscriber: &str) {
        self.turns.lock().await.remove(subscriber);
    }

    async fn read_next(
        &self,
        connection: &mut AsyncPgConnection,
        subscriber: &str,
        limit: u32,
    ) -> Result<EventBatch, Unavailable> {
        let rows: Vec<PlacedEvent> = sql_query(format!(
            "SELECT e.transaction_id, {NOTICE}, \
                    EXISTS (SELECT FROM outbox_retries r WHERE r.subscriber = $1 \
                            AND r.stream_id = coalesce(e.stream_id, e.subject_id) AND NOT r.is_dead) AS is_held \
             FROM (SELECT v.* FROM outbox_events v WHERE {AFTER} \
                   AND v.transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint \
                   ORDER BY v.transaction_id, v.id LIMIT $2) e {JOINS} \
             ORDER BY e.transaction_id, e.id"
        ))
        .bind::<Text, _>(subscriber)
        .bind::<BigInt, _>(i64::from(limit))
        .load(connection)
        .rows("outbox.next")
        .await
        .map_err(Unavailable::new)?;
        let position = rows.last().map(|row| OutboxPosition { transaction: row.transaction_id, event: row.event.id });
        let rows = rows.into_iter().map(|row| row.event);
        let (events, malformed) = self.make_sense_of(rows);
        put_aside(connection, subscriber, &malformed).await?;
        Ok(EventBatch { events, position })
    }

    fn make_sense_of(&self, rows: impl Iterator<Item = EventRow>) -> (Vec<Event>, Vec<Malformed>) {
        let (mut events, mut malformed) = (Vec::new(), Vec::new());
        for row in rows {
            let (event, stream) = (row.id, row.stream);
            match row.into_event(self.currency) {
                Ok(event) => events.push(event),
                Err(error) => {
                    tracing::error!(event, %error, "an event makes no sense");
                    malformed.push(Malformed { event, stream, error: error.to_string() });
                }
            }
        }
        (events, malformed)
    }

    async fn next_batch(&self, subscriber: &str, limit: u32) -> Result<Option<EventBatch>, Unavailable> {
        let Some(turn) = self.turn(subscriber).await? else { return Ok(None) };
        let batch = self.read_next(&mut *turn.lock().await, subscriber, limit).await;
        if batch.is_err() {
            self.give_up_turn(subscriber).await;
        }
        batch.map(Some)
    }

    async fn advance_to(
        &self,
        subscriber: &str,
        position: OutboxPosition,
        undelivered: Vec<Undelivered>,
    ) -> Result<(), Unavailable> {
        // On the connection that has the turn: without it nothing is advanced.
        let Some(turn) = self.turn(subscriber).await? else {
            return Err(Unavailable::new("another server tells this subscriber by now"));
        };
        let mut connection = turn.lock().await;
        let advanced = connection
            .transaction::<_, Failure<Unavailable>, _>(async |connection| {
                if !undelivered.is_empty() {
                    let attempts = |u: &Undelivered| i32::try_from(u.attempts).unwrap_or(i32::MAX);
                    sql_query(
                        "INSERT INTO outbox_retries (subscriber, event_id, stream_id, attempts, next_at, last_error) \
                         SELECT $1, t.* FROM unnest($2::bigint[], $3::uuid[], $4::integer[], $5::timestamptz[], $6::text[]) AS t ON CONFLICT DO NOTHING",
                    )
                    .bind::<Text, _>(subscriber)
                    .bind::<Array<BigInt>, _>(undelivered.iter().map(|u| u.event).collect::<Vec<_>>())
                    .bind::<Array<SqlUuid>, _>(undelivered.iter().map(|u| u.stream).collect::<Vec<_>>())
                    .bind::<Array<Integer>, _>(undelivered.iter().map(attempts).collect::<Vec<_>>())
                    .bind::<Array<Timestamptz>, _>(undelivered.iter().map(|u| u.next_at).collect::<Vec<_>>())
                    .bind::<Array<Text>, _>(undelivered.iter().map(|u| u.error.as_str()).collect::<Vec<_>>())
                    .execute(connection)
                    .changes("outbox.put_off")
                    .await?;
                }
                sql_query("UPDATE outbox_subscribers SET transaction_id = $2, event_id = $3 WHERE name = $1")
                    .bind::<Text, _>(subscriber)
                    .bind::<BigInt, _>(position.transaction)
                    .bind::<BigInt, _>(position.event)
                    .execute(connection)
                    .changes("outbox.advance")
                    .await?;
                Ok(())
            })
            .await
            .map_err(|failure| failure.0);
        drop(connection);
        if advanced.is_err() {
            self.give_up_turn(subscriber).await;
        }
        advanced
    }

    async fn due_events(&self, subscriber: &str, limit: u32) -> Result<Vec<DueEvent>, Unavailable> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<RetryRow> = sql_query(format!(
            "WITH due AS (\
               UPDATE outbox_retries SET taken_until = now() + interval '30 seconds' WHERE id IN (\
                 SELECT id FROM outbox_retries r WHERE subscriber = $1 AND NOT is_dead AND next_at <= now() \
                 AND (taken_until IS NULL OR taken_until < now()) \
                 AND NOT EXISTS (SELECT FROM outbox_retries earlier WHERE earlier.subscriber = r.subscriber \
                                 AND earlier.stream_id = r.stream_id AND NOT earlier.is_dead AND earlier.id < r.id) \
                 ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED) \
               RETURNING id, event_id, attempts) \
             SELECT due.id AS retry_id, due.attempts, {NOTICE}, false AS is_held \
             FROM due JOIN outbox_events e ON e.id = due.event_id {JOINS}"
        ))
        .bind::<Text, _>(subscriber)
        .bind::<Integer, _>(i32::try_from(limit).unwrap_or(i32::MAX))
        .load(&mut *connection)
        .rows("outbox.take_due")
        .await
        .map_err(Unavailable::new)?;
        let retries: HashMap<i64, (i64, i32)> =
            rows.iter().map(|row| (row.event.id, (row.retry_id, row.attempts))).collect();
        let (events, malformed) = self.make_sense_of(rows.into_iter().map(|row| row.event));
        put_aside(&mut connection, subscriber, &malformed).await?;
        let due = events.into_iter().filter_map(|event| {
            let (id, attempts) = *retries.get(&event.id)?;
            Some(DueEvent { id, attempts: u32::try_from(attempts).unwrap_or_default(), event })
        });
        Ok(due.collect())
    }

    async fn record_retry(&self, id: i64, outcome: RetryOutcome) -> Result<(), Unavailable> {
        let mut connection = self.database.connection().await?;
        let (sql, next_at, error) = match outcome {
            RetryOutcome::Delivered => ("DELETE FROM outbox_retries WHERE id = $1", None, None),
            RetryOutcome::Later { next_at, error } => (
                "UPDATE outbox_retries SET attempts = attempts + 1, taken_until = NULL, next_at = $2, last_error = $3 \
                 WHERE id = $1",
                Some(next_at),
                Some(error),
            ),
            RetryOutcome::Dead { error } => (
                "UPDATE outbox_retries SET attempts = attempts + 1, taken_until = NULL, is_dead = true, \
                 next_at = coalesce($2, next_at), last_error = $3 WHERE id = $1",
                None,
                Some(error),
            ),
        };
        let query = sql_query(sql).bind::<BigInt, _>(id);
        match error {
            None => query.execute(&mut *connection).changes("outbox.retried").await,
            Some(error) => {
                let query = query.bind::<Nullable<Timestamptz>, _>(next_at).bind::<Text, _>(error);
                query.execute(&mut *connection).changes("outbox.retried").await
            }
        }
        .map(|_| ())
        .map_err(Unavailable::new)
    }

    async fn list_dead_letters(&self, after: Option<i64>, limit: PageLimit) -> Result<Page<DeadLetter>, Unavailable> {
        let mut connection = self.database.list_connection().await?;
        let rows: Vec<LetterRow> = sql_query(
            "SELECT r.id, r.subscriber, r.event_id, e.kind, r.stream_id, e.occurred_at, r.attempts, r.last_error \
             FROM outbox_retries r JOIN outbox_events e ON e.id = r.event_id \
             WHERE r.is_dead AND r.id > $1 ORDER BY r.id LIMIT $2",
        )
        .bind::<BigInt, _>(after.unwrap_or_default())
        .bind::<BigInt, _>(i64::from(limit.get()) + 1)
        .load(&mut *connection)
        .rows("outbox.dead_letters")
        .await
        .map_err(Unavailable::new)?;
        let letters = rows.into_iter().map(|row| DeadLetter {
            id: row.id,
            subscriber: row.subscriber,
            event: row.event_id,
            kind: row.kind,
            stream: row.stream_id,
            occurred_at: row.occurred_at,
            attempts: u32::try_from(row.attempts).unwrap_or_default(),
            error: row.last_error,
        });
        Ok(Page::from_one_more(letters.collect(), limit))
    }

    async fn resend_letter(&self, id: i64, by: Administrator, at: Timestamp) -> Result<(), ResendError> {
        let mut connection = self.database.connection().await?;
        connection
            .transaction::<_, Failure<ResendError>, _>(async |connection| {
                let sent = sql_query(
                    "UPDATE outbox_retries SET is_dead = false, attempts = 0, next_at = now() WHERE id = $1 AND is_dead",
                )
                .bind::<BigInt, _>(id)
                .execute(connection)
                .changes("outbox.resend")
                .await?;
                if sent == 0 {
                    return Err(Failure(ResendError::NotFound));
                }
                let record = AuditRecord {
                    actor: Some(by.account_id()),
                    action: AuditAction::DeadLetterResent,
                    target: id.to_string(),
                    reason: None,
                    at,
                };
                audit_log::write_record(connection, &record).await?;
                Ok(())
            })
            .await
            .map_err(|failure| failure.0)
    }

    async fn state_of(&self, subscriber: &str) -> Result<OutboxState, Unavailable> {
        let mut connection = self.database.list_connection().await?;
        let row: StateRow = sql_query(format!(
            "SELECT greatest(0, extract(epoch FROM now() - least(\
                 (SELECT v.occurred_at FROM outbox_events v WHERE {AFTER} \
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
}

/// What makes no sense will not make any later: it waits for an admin, and nobody waits for it.
async fn put_aside(
    connection: &mut AsyncPgConnection,
    subscriber: &str,
    malformed: &[Malformed],
) -> Result<(), Unavailable> {
    if malformed.is_empty() {
        return Ok(());
    }
    sql_query(
        "INSERT INTO outbox_retries (subscriber, event_id, stream_id, next_at, is_dead, last_error) \
         SELECT $1, t.event, t.stream, now(), true, t.error \
         FROM unnest($2::bigint[], $3::uuid[], $4::text[]) AS t(event, stream, error) \
         ON CONFLICT (subscriber, event_id) DO UPDATE \
         SET is_dead = true, taken_until = NULL, attempts = outbox_retries.attempts + 1, last_error = excluded.last_error",
    )
    .bind::<Text, _>(subscriber)
    .bind::<Array<BigInt>, _>(malformed.iter().map(|malformed| malformed.event).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(malformed.iter().map(|malformed| malformed.stream).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(malformed.iter().map(|malformed| malformed.error.as_str()).collect::<Vec<_>>())
    .execute(connection)
    .changes("outbox.put_aside")
    .await
    .map(|_| ())
    .map_err(Unavailable::new)
}

#[async_trait]
impl Outbox for PostgresOutbox {
    async fn next(&self, subscriber: &str, limit: u32) -> Result<Option<EventBatch>, Unavailable> {
        let (outbox, subscriber) = (self.clone(), subscriber.to_owned());
        spawn_transaction(&self.database, async move { outbox.next_batch(&subscriber, limit).await }).await
    }

    async fn advance(
        &self,
        subscriber: &str,
        position: OutboxPosition,
        undelivered: Vec<Undelivered>,
    ) -> Result<(), Unavailable> {
        let (outbox, subscriber) = (self.clone(), subscriber.to_owned());
        spawn_transaction(&self.database, async move { outbox.advance_to(&subscriber, position, undelivered).await })
            .await
    }

    async fn take_due(&self, subscriber: &str, limit: u32) -> Result<Vec<DueEvent>, Unavailable> {
        let (outbox, subscriber) = (self.clone(), subscriber.to_owned());
        spawn_transaction(&self.database, async move { outbox.due_events(&subscriber, limit).await }).await
    }

    async fn retried(&self, id: i64, outcome: RetryOutcome) -> Result<(), Unavailable> {
        let outbox = self.clone();
        spawn_transaction(&self.database, async move { outbox.record_retry(id, outcome).await }).await
    }

    async fn dead_letters(&self, after: Option<i64>, limit: PageLimit) -> Result<Page<DeadLetter>, Unavailable> {
        self.list_dead_letters(after, limit).await
    }

    async fn resend(&self, id: i64, by: Administrator, at: Timestamp) -> Result<(), ResendError> {
        let outbox = self.clone();
        spawn_transaction(&self.database, async move { outbox.resend_letter(id, by, at).await }).await
    }

    async fn state(&self, subscriber: &str) -> Result<OutboxState, Unavailable> {
        self.state_of(subscriber).await
    }
}
