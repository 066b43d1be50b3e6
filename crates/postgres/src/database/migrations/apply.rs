//! Applying pending migrations beside servers that go on working.

use std::time::Duration;

use diesel::{dsl::sql, migration::Migration, pg::Pg, sql_types::Integer};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::MigrationHarness;

use super::{
    super::{DatabaseUrl, establish::establish},
    MIGRATIONS, MigrateError, SETUP,
    blockers::Watch,
    invalid_indexes::drop_invalid_indexes,
};

/// How long a migration waits for a lock on a table. Whatever needs the table meanwhile waits behind it, and the locks
/// that the migration has already are held.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '500ms'";

/// `CREATE INDEX CONCURRENTLY` waits until older transactions have ended, and nothing waits behind it but other changes
/// of the table's structure. Giving up would leave an invalid index behind and begin the work again.
const NO_LOCK_TIMEOUT: &str = "SET lock_timeout = 0";

/// The pause after the first attempt that did not get its locks. It doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How often to look at what a migration waits for.
const GLANCE: Duration = Duration::from_millis(100);

/// The migration to apply next.
struct Next {
    name: String,
    runs_in_transaction: bool,
}

/// Applies all pending migrations, and returns their names.
pub(super) async fn all(
    url: &DatabaseUrl,
    mut connection: AsyncPgConnection,
) -> Result<(Vec<String>, AsyncPgConnection), MigrateError> {
    let pid = diesel::select(sql::<Integer>("pg_catalog.pg_backend_pid()"));
    let pid: i32 = pid.get_result(&mut connection).await.map_err(MigrateError::Watch)?;
    let mut watch = Watch::new(establish(url, SETUP).await?, pid);
    let mut applied = Vec::new();
    loop {
        let (next, returned) = blocking(connection, next).await?;
        connection = returned;
        let Some(next) = next? else { return Ok((applied, connection)) };
        connection = apply(&next, connection, &mut watch).await?;
        applied.push(next.name);
    }
}

/// The first of the pending migrations.
fn next(harness: &mut AsyncMigrationHarness<AsyncPgConnection>) -> Result<Option<Next>, MigrateError> {
    let pending = harness.pending_migrations(MIGRATIONS).map_err(MigrateError::Migration)?;
    let first: Option<Box<dyn Migration<Pg>>> = pending.into_iter().next();
    Ok(first.map(|migration| Next {
        name: migration.name().version().to_string(),
        runs_in_transaction: migration.metadata().run_in_transaction(),
    }))
}

/// Applies one migration, in as many attempts as it takes to get its locks.
async fn apply(
    next: &Next,
    mut connection: AsyncPgConnection,
    watch: &mut Watch,
) -> Result<AsyncPgConnection, MigrateError> {
    let migration = next.name.as_str();
    let mut pause = FIRST_PAUSE;
    loop {
        let limit = if next.runs_in_transaction { LOCK_TIMEOUT } else { NO_LOCK_TIMEOUT };
        connection.batch_execute(limit).await.map_err(MigrateError::Watch)?;
        if !next.runs_in_transaction {
            drop_invalid_indexes(&mut connection).await?;
        }
        watch.begin();
        let mut attempt =
            std::pin::pin!(blocking(connection, |harness| harness.run_next_migration(MIGRATIONS).map(drop)));
        let (outcome, returned) = loop {
            tokio::select! {
                biased;
                outcome = &mut attempt => break outcome?,
                () = tokio::time::sleep(GLANCE) => {}
            }
            watch.look(migration).await?;
            // Locks are held only by what runs in a transaction.
            if next.runs_in_transaction && watch.must_give_way() {
                watch.cancel().await?;
                break attempt.as_mut().await?;
            }
        };
        connection = returned;
        match outcome {
            Ok(()) => return Ok(connection),
            Err(error) => {
                let message = error.to_string();
                let gave_way = watch.is_blocked()
                    || ["lock timeout", "deadlock detected"].iter().any(|what| message.contains(what));
                // Somebody may also have ended the session.
                if !gave_way || connection.batch_execute("SELECT 1").await.is_err() {
                    return Err(MigrateError::Migration(error));
                }
                let blockers = watch.blockers();
                tracing::warn!(migration, blockers, %error, ?pause, "a migration gave way; it tries again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Diesel's harness blocks the thread.
async fn blocking<T: Send + 'static>(
    connection: AsyncPgConnection,
    work: impl FnOnce(&mut AsyncMigrationHarness<AsyncPgConnection>) -> T + Send + 'static,
) -> Result<(T, AsyncPgConnection), MigrateError> {
    let run = move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        let outcome = work(&mut harness);
        (outcome, harness.into_inner())
    };
    tokio::task::spawn_blocking(run).await.map_err(MigrateError::Interrupted)
}
