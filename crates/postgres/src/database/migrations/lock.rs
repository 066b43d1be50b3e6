//! One session migrates at a time.

use std::time::{Duration, Instant};

use diesel::{
    OptionalExtension, QueryResult, QueryableByName,
    dsl::sql,
    sql_query,
    sql_types::{BigInt, Bool, Integer, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{MigrateError, blockers::REMINDER};

/// The key of the advisory lock: any number that nothing else in this database uses for one.
const LOCK: i64 = 0x0063_6f6d_616e_6461;

const POLL: Duration = Duration::from_millis(50);

/// A role sees no more of other roles' sessions than their ids and applications, unless it may read all statistics.
const HOLDER: &str = "\
    SELECT l.pid, coalesce(nullif(a.application_name, ''), '?') AS application, \
           coalesce(pg_catalog.date_trunc('second', a.backend_start)::text, '?') AS since \
    FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_database d ON d.oid = l.database \
    LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid \
    WHERE d.datname = pg_catalog.current_database() AND l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
      AND (l.classid::bigint << 32 | l.objid::bigint) = $1";

/// The session that migrates.
#[derive(QueryableByName)]
pub(super) struct Holder {
    #[diesel(sql_type = Integer)]
    pub(super) pid: i32,
    #[diesel(sql_type = Text)]
    pub(super) application: String,
    #[diesel(sql_type = Text)]
    pub(super) since: String,
}

/// Waits until nobody else migrates, however long it takes.
///
/// Polls instead of waiting within PostgreSQL: a session that waits there keeps a snapshot, and whoever migrates would
/// wait for that snapshot to end when it creates an index concurrently.
pub(super) async fn take_lock(connection: &mut AsyncPgConnection) -> Result<(), MigrateError> {
    let mut said: Option<Instant> = None;
    while !try_lock(connection).await.map_err(MigrateError::Lock)? {
        if said.is_none_or(|said| said.elapsed() > REMINDER)
            && let Some(Holder { pid, application, since }) = holder(connection).await.map_err(MigrateError::Lock)?
        {
            tracing::warn!(
                pid,
                application,
                since,
                "another session migrates the database: waiting until it has ended"
            );
            said = Some(Instant::now());
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

async fn try_lock(connection: &mut AsyncPgConnection) -> QueryResult<bool> {
    diesel::select(sql::<Bool>(&format!("pg_catalog.pg_try_advisory_lock({LOCK})"))).get_result(connection).await
}

/// Who migrates at the moment.
pub(super) async fn holder(connection: &mut AsyncPgConnection) -> QueryResult<Option<Holder>> {
    sql_query(HOLDER).bind::<BigInt, _>(LOCK).get_result(connection).await.optional()
}
