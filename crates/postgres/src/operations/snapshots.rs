use std::time::Duration;

use comanda_domain::ports::Unavailable;
use diesel::{
    OptionalExtension, QueryableByName, sql_query,
    sql_types::{BigInt, Double, Integer, Nullable, Text},
};
use diesel_async::RunQueryDsl;

use crate::database::{Database, Named, NamedRows};

/// Who holds the oldest snapshot, or the oldest transaction that may still write, in the whole cluster: rows that were
/// replaced since are kept for it, in every database. If it may write, events are delivered and summarized up to it
/// only. What a logical slot keeps of the system's catalogs alone holds up neither. A role that may not read
/// everybody's statistics sees other roles' sessions by what their transactions hold up alone.
const OLDEST: &str = "\
    SELECT * FROM (\
      SELECT 'session' AS holder, coalesce(nullif(application_name, ''), '?') AS name, datname::text AS database, pid, \
             greatest(age(backend_xmin), age(backend_xid))::bigint AS transactions, \
             coalesce(backend_xmin, backend_xid)::text AS xmin, \
             extract(epoch FROM clock_timestamp() - xact_start)::float8 AS seconds \
      FROM pg_stat_activity \
      WHERE (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL) AND pid <> pg_backend_pid() \
        AND backend_type <> 'autovacuum worker' \
      UNION ALL \
      SELECT 'prepared_transaction', gid, database::text, NULL, age(transaction)::bigint, transaction::text, \
             extract(epoch FROM clock_timestamp() - prepared)::float8 \
      FROM pg_prepared_xacts \
      UNION ALL \
      SELECT 'replication_slot', slot_name::text, database::text, active_pid, \
             age(xmin)::bigint, xmin::text, NULL \
      FROM pg_replication_slots WHERE xmin IS NOT NULL \
      UNION ALL \
      SELECT 'unknown', '?', NULL, NULL, \
             pg_snapshot_xmax(s)::text::bigint - pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmin(s)::text, NULL \
      FROM pg_current_snapshot() s\
    ) held \
    ORDER BY transactions DESC, holder = 'unknown', seconds DESC NULLS LAST LIMIT 1";

/// Who holds back what can be cleaned up, delivered and summarized.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldSnapshot {
    /// `session`, `prepared_transaction`, `replication_slot`, or `unknown`.
    pub holder: String,
    /// The session's `application_name`, or what the transaction or the slot is called.
    pub name: String,
    pub database: Option<String>,
    pub pid: Option<i32>,
    /// How many transactions have begun since.
    pub transactions: u64,
    /// The transaction id that it holds.
    pub xmin: String,
    /// How long ago the holder's transaction began, where PostgreSQL knows.
    pub age: Option<Duration>,
}

impl HeldSnapshot {
    /// Whether the same holder holds the same transaction.
    pub fn is_held_like(&self, other: &Self) -> bool {
        fn held(snapshot: &HeldSnapshot) -> (&str, &str, Option<i32>, &str) {
            (&snapshot.holder, &snapshot.name, snapshot.pid, &snapshot.xmin)
        }
        held(self) == held(other)
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    holder: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    database: Option<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    pid: Option<i32>,
    #[diesel(sql_type = BigInt)]
    transactions: i64,
    #[diesel(sql_type = Text)]
    xmin: String,
    #[diesel(sql_type = Nullable<Double>)]
    seconds: Option<f64>,
}

/// Finds the oldest snapshot in the primary's cluster. `None`: there is none besides this statement's own.
pub async fn oldest_snapshot(database: &Database) -> Result<Option<HeldSnapshot>, Unavailable> {
    let mut connection = database.read_connection().await?;
    let row: Option<Row> = sql_query(OLDEST)
        .get_result(&mut *connection)
        .one("snapshot.find_oldest")
        .await
        .optional()
        .map_err(Unavailable::new)?;
    Ok(row.map(|row| HeldSnapshot {
        holder: row.holder,
        name: row.name,
        database: row.database,
        pid: row.pid,
        transactions: u64::try_from(row.transactions).unwrap_or_default(),
        xmin: row.xmin,
        age: row.seconds.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()),
    }))
}

/// Up to where events can be read: a transaction that has begun to write, in whatever database of the cluster, holds up
/// those of all that began later. One that only reads, such as a dump, holds up none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct EventHorizon {
    /// Transactions before that have ended.
    #[diesel(sql_type = BigInt)]
    pub ended_before: i64,
    /// Transactions from this one on have not ended, nor has any that is as young.
    #[diesel(sql_type = BigInt)]
    pub begun_before: i64,
}

/// Finds out up to where events can be read.
pub async fn event_horizon(database: &Database) -> Result<EventHorizon, Unavailable> {
    let mut connection = database.read_connection().await?;
    sql_query(
        "SELECT pg_snapshot_xmin(s)::text::bigint AS ended_before, pg_snapshot_xmax(s)::text::bigint AS begun_before \
         FROM pg_current_snapshot() s",
    )
    .get_result(&mut *connection)
    .one("snapshot.find_horizon")
    .await
    .map_err(Unavailable::new)
}

#[derive(QueryableByName)]
struct DeadRows {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// How many rows of each table were replaced or deleted and wait to be cleaned up, as PostgreSQL's statistics have it.
pub async fn dead_rows(database: &Database) -> Result<Vec<(String, u64)>, Unavailable> {
    let mut connection = database.read_connection().await?;
    let rows: Vec<DeadRows> = sql_query(
        "SELECT relname::text AS table, n_dead_tup AS rows FROM pg_stat_user_tables \
         WHERE schemaname = current_schema()",
    )
    .load(&mut *connection)
    .rows("snapshot.dead_rows")
    .await
    .map_err(Unavailable::new)?;
    Ok(rows.into_iter().map(|row| (row.table, u64::try_from(row.rows).unwrap_or_default())).collect())
}
