//! Bringing a database up to date.

use std::time::Duration;

use diesel::{QueryResult, dsl::sql, sql_types::Bool};
use diesel_async::{AsyncConnection, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use thiserror::Error;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Any number that nobody else uses as an advisory lock in this database.
const LOCK: i64 = 0x0063_6f6d_616e_6461;

/// Why the database was not brought up to date.
#[derive(Debug, Error)]
pub enum MigrateError {
    #[error("cannot connect to PostgreSQL")]
    Connect(#[from] diesel::ConnectionError),
    #[error("cannot take the migration lock")]
    Lock(#[source] diesel::result::Error),
    #[error("a migration failed: {0}")]
    Migration(Box<dyn std::error::Error + Send + Sync>),
    #[error("the migration was interrupted")]
    Interrupted(#[source] tokio::task::JoinError),
}

/// Runs the pending migrations and returns their names. Of several servers that start at once, one migrates and the others wait
/// for it, however long it takes. Needs tokio's multi-threaded runtime.
pub async fn migrate(url: &str) -> Result<Vec<String>, MigrateError> {
    // A connection of its own: closing it gives the lock back whatever happens, and no time limit cuts a long migration.
    let mut connection = AsyncPgConnection::establish(url).await?;
    // Asking again and again instead of waiting within PostgreSQL: whoever waits there keeps a snapshot, and the one that
    // migrates would wait for that snapshot's end when it makes an index concurrently.
    while !try_lock(&mut connection).await.map_err(MigrateError::Lock)? {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let run = move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        let versions = harness.run_pending_migrations(MIGRATIONS).map_err(MigrateError::Migration)?;
        Ok(versions.iter().map(ToString::to_string).collect())
    };
    tokio::task::spawn_blocking(run).await.map_err(MigrateError::Interrupted)?
}

async fn try_lock(connection: &mut AsyncPgConnection) -> QueryResult<bool> {
    diesel::select(sql::<Bool>(&format!("pg_try_advisory_lock({LOCK})"))).get_result(connection).await
}
