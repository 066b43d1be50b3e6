//! Bringing a database up to date.

use diesel_async::{AsyncConnection, AsyncMigrationHarness, AsyncPgConnection, SimpleAsyncConnection};
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
    connection.batch_execute(&format!("SELECT pg_advisory_lock({LOCK})")).await.map_err(MigrateError::Lock)?;
    let run = move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        let versions = harness.run_pending_migrations(MIGRATIONS).map_err(MigrateError::Migration)?;
        Ok(versions.iter().map(ToString::to_string).collect())
    };
    tokio::task::spawn_blocking(run).await.map_err(MigrateError::Interrupted)?
}
