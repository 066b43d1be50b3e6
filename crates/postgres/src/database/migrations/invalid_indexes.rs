//! Indexes that `CREATE INDEX CONCURRENTLY` left behind when it was ended half way.

use std::time::{Duration, Instant};

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Integer, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::{MigrateError, blockers::REMINDER};

/// While an index is built concurrently it is invalid, too: whoever builds one holds this lock on its table. (So does
/// a vacuum, which ends.)
const INVALID: &str = "\
    SELECT c.oid::pg_catalog.regclass::text AS index, ( \
               SELECT pg_catalog.min(l.pid) \
               FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_database d ON d.oid = l.database \
               WHERE d.datname = pg_catalog.current_database() AND l.relation = i.indrelid AND l.granted \
                 AND l.mode = 'ShareUpdateExclusiveLock') AS worker \
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
    WHERE NOT i.indisvalid AND c.relkind = 'i' AND pg_catalog.pg_has_role(c.relowner, 'USAGE') \
      AND c.relnamespace = pg_catalog.current_schema()::pg_catalog.regnamespace \
    ORDER BY 2 NULLS FIRST, 1";

#[derive(QueryableByName)]
struct InvalidIndex {
    #[diesel(sql_type = Text)]
    index: String,
    /// The process that builds it, or vacuums its table.
    #[diesel(sql_type = Nullable<Integer>)]
    worker: Option<i32>,
}

/// Drops them all: they cost every write, serve no read, and stand in the way of the next attempt.
pub(super) async fn drop_invalid_indexes(connection: &mut AsyncPgConnection) -> Result<(), MigrateError> {
    let mut said: Option<Instant> = None;
    loop {
        let invalid: Vec<InvalidIndex> = sql_query(INVALID).load(connection).await.map_err(MigrateError::Watch)?;
        let Some(InvalidIndex { index, worker }) = invalid.into_iter().next() else { return Ok(()) };
        if let Some(pid) = worker {
            if said.is_none_or(|said| said.elapsed() > REMINDER) {
                tracing::warn!(index, pid, "an index is being built, or its table vacuumed: migrations wait");
                said = Some(Instant::now());
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            continue;
        }
        tracing::warn!(index, "an index was left behind half built: it is dropped");
        connection
            .batch_execute(&format!("DROP INDEX CONCURRENTLY IF EXISTS {index}"))
            .await
            .map_err(MigrateError::Watch)?;
    }
}
