//! Applying migrations.

use std::time::Duration;

use diesel::{QueryResult, dsl::sql, sql_types::Bool};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use thiserror::Error;

use super::{DatabaseUrl, establish::establish};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// The key of the advisory lock: any number that nothing else in this database uses for one.
const LOCK: i64 = 0x0063_6f6d_616e_6461;

/// Why the migrations were not applied.
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

/// Applies the pending migrations and returns their names. When several servers start at once, one migrates and the
/// others wait for it, however long it takes. Needs tokio's multi-threaded runtime.
pub async fn migrate(url: &DatabaseUrl) -> Result<Vec<String>, MigrateError> {
    // A connection of its own: closing it releases the lock whatever happens, and no time limit interrupts a long
    // migration.
    let mut connection = establish(url, "").await?;
    // Polls instead of waiting within PostgreSQL: a session that waits there keeps a snapshot, and the server that
    // migrates would wait for that snapshot to end when it creates an index concurrently.
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
