//! Applying migrations, and saying which are applied.

mod apply;
mod blockers;
mod invalid_indexes;
mod lock;
mod status;

use std::collections::HashSet;

use diesel::{
    QueryResult, QueryableByName,
    migration::{Migration, MigrationSource},
    pg::Pg,
    sql_query,
    sql_types::{Bool, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use thiserror::Error;

use self::lock::take_lock;
pub use self::status::{AppliedMigration, MigrationStatus, PendingMigration, migration_status};
use super::{DatabaseUrl, SharedSessions, establish::establish, session_state::ensure_sessions_are_kept};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Refuses the role that the session's `comanda.server_role` names unless it is another than the owner of the tables.
const TWO_ROLES: &str = include_str!("two_roles.sql");

/// Grants the same role what a server needs.
const GRANTS: &str = include_str!("grants.sql");

/// What a session that migrates is like. No time limit that its role has interrupts a long migration.
const SETUP: &str = "SET application_name = 'comanda-migrate'; SET statement_timeout = 0; \
                     SET idle_in_transaction_session_timeout = 0;";

/// A migrator that was killed leaves nothing behind that goes on: PostgreSQL looks this often whether it is still
/// there, in the middle of a statement, too. Releases before 14 cannot.
const NOTICE_ITS_END: &str = "SET client_connection_check_interval = '500ms'";

/// A session that only looks.
const READ_ONLY: &str = "SET application_name = 'comanda-migrate'; SET default_transaction_read_only = on;";

/// Why the migrations were not applied.
#[derive(Debug, Error)]
pub enum MigrateError {
    #[error("cannot connect to PostgreSQL")]
    Connect(#[from] diesel::ConnectionError),
    #[error(transparent)]
    SharedSessions(#[from] SharedSessions),
    #[error("cannot read which migrations were applied: {0}")]
    Applied(#[source] diesel::result::Error),
    /// The tables belong to another role.
    #[error(
        "the database is not up to date ({0} pending), and its tables belong to another role: run `comanda migrate` \
         with that role in MIGRATION_DATABASE_URL"
    )]
    NotOwner(usize),
    /// This version needs migrations that nobody has applied.
    #[error("the database is not up to date ({0} pending): run `comanda migrate`")]
    Behind(usize),
    #[error("cannot take the migration lock")]
    Lock(#[source] diesel::result::Error),
    #[error("cannot read what a migration waits for, or was left with: {0}")]
    Watch(#[source] diesel::result::Error),
    #[error("a migration failed: {0}")]
    Migration(Box<dyn std::error::Error + Send + Sync>),
    #[error("cannot grant the role \"{role}\" what a server needs: {error}")]
    Grant { role: String, error: diesel::result::Error },
    #[error("the migration was interrupted")]
    Interrupted(#[source] tokio::task::JoinError),
}

/// Applies the pending migrations and returns their names. When several servers start at once, one migrates and the
/// others wait for it, however long it takes. Needs tokio's multi-threaded runtime.
///
/// A migration that cannot get a lock gives way and tries again, for as long as somebody holds what it needs: nothing
/// else waits behind it for longer than a second. What was interrupted, at whatever statement, is simply run again.
///
/// Whoever migrates owns the tables. `server_role` is another role that servers sign in as: it is granted what they
/// need, whether or not a migration was pending. It cannot change what is append-only.
pub async fn migrate(url: &DatabaseUrl, server_role: Option<&str>) -> Result<Vec<String>, MigrateError> {
    ensure_sessions_are_kept(url).await?;
    // A connection of its own: closing it releases the lock whatever happens, and no time limit interrupts a long
    // migration.
    let mut connection = establish(url, SETUP).await?;
    if let Err(error) = connection.batch_execute(NOTICE_ITS_END).await {
        tracing::debug!(%error, "PostgreSQL will be slow to notice should this process be killed");
    }
    // Only an owner gets any further. A server that owns nothing may start all the same if there is nothing to do.
    if let Some(history) = History::read(&mut connection).await.map_err(MigrateError::Applied)? {
        history.warn_of_unknown()?;
        if server_role.is_none() {
            match history.pending()?.len() {
                0 => return Ok(Vec::new()),
                pending if !history.is_ours => return Err(MigrateError::NotOwner(pending)),
                _ => {}
            }
        }
    }
    take_lock(&mut connection).await?;
    let not_granted = |error| MigrateError::Grant { role: server_role.unwrap_or_default().to_owned(), error };
    if let Some(role) = server_role {
        // Before anything changes: what the wrong role would own, servers could not use.
        name_server_role(&mut connection, role).await.map_err(not_granted)?;
        connection.batch_execute(TWO_ROLES).await.map_err(not_granted)?;
    }
    let (migrations, mut connection) = apply::all(url, connection).await?;
    if server_role.is_some() {
        // Still under the lock: PostgreSQL refuses two who change the same privileges at once.
        connection.batch_execute(GRANTS).await.map_err(not_granted)?;
    }
    Ok(migrations)
}

/// Fails unless every migration of this version is applied. A database that a later version has migrated is fine: it is
/// reported.
pub async fn ensure_migrated(url: &DatabaseUrl) -> Result<(), MigrateError> {
    let mut connection = establish(&url.clone().with_time_limits(), READ_ONLY).await?;
    let history = History::read(&mut connection).await.map_err(MigrateError::Applied)?.unwrap_or_default();
    history.warn_of_unknown()?;
    match history.pending()?.len() {
        0 => Ok(()),
        pending => Err(MigrateError::Behind(pending)),
    }
}

/// Whether every migration of this version is applied, and no other.
pub(crate) async fn is_schema_of_this_release(connection: &mut AsyncPgConnection) -> Result<bool, MigrateError> {
    let history = History::read(connection).await.map_err(MigrateError::Applied)?.unwrap_or_default();
    Ok(history.pending()?.is_empty() && history.unknown()?.is_empty())
}

async fn name_server_role(connection: &mut AsyncPgConnection, role: &str) -> QueryResult<()> {
    let name = sql_query("SELECT pg_catalog.set_config('comanda.server_role', $1, false)").bind::<Text, _>(role);
    name.execute(connection).await.map(drop)
}

/// What Diesel has written down of the migrations of a database.
#[derive(Default)]
struct History {
    /// In the order of their versions.
    applied: Vec<Applied>,
    /// Whether this role may migrate.
    is_ours: bool,
}

#[derive(QueryableByName)]
struct Ownership {
    #[diesel(sql_type = Bool)]
    is_ours: bool,
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
    /// In the database's time zone.
    #[diesel(sql_type = Text)]
    applied_at: String,
}

impl History {
    /// `None`: nobody has ever migrated this database.
    async fn read(connection: &mut AsyncPgConnection) -> QueryResult<Option<Self>> {
        let ownership = "SELECT pg_catalog.pg_has_role(relowner, 'USAGE') AS is_ours FROM pg_catalog.pg_class \
                         WHERE oid = pg_catalog.to_regclass('__diesel_schema_migrations')";
        let ownership: Vec<Ownership> = sql_query(ownership).load(connection).await?;
        let Some(Ownership { is_ours }) = ownership.into_iter().next() else { return Ok(None) };
        let applied = "SELECT version::text, pg_catalog.date_trunc('second', run_on)::text AS applied_at \
                       FROM __diesel_schema_migrations ORDER BY version";
        Ok(Some(Self { applied: sql_query(applied).load(connection).await?, is_ours }))
    }

    /// Those of our migrations that are not applied, in their order.
    fn pending(&self) -> Result<Vec<Box<dyn Migration<Pg>>>, MigrateError> {
        let applied: HashSet<&str> = self.applied.iter().map(|applied| applied.version.as_str()).collect();
        let mut pending = all_migrations()?;
        pending.retain(|migration| !applied.contains(version(migration.as_ref()).as_str()));
        Ok(pending)
    }

    /// The versions of migrations that are applied and that this version of ours does not have.
    fn unknown(&self) -> Result<Vec<&str>, MigrateError> {
        let ours: HashSet<String> = all_migrations()?.iter().map(|migration| version(migration.as_ref())).collect();
        let applied = self.applied.iter().map(|applied| applied.version.as_str());
        Ok(applied.filter(|version| !ours.contains(*version)).collect())
    }

    fn warn_of_unknown(&self) -> Result<(), MigrateError> {
        let unknown = self.unknown()?;
        if !unknown.is_empty() {
            let unknown = unknown.join(", ");
            tracing::warn!(unknown, "the database is ahead of this version: a later one has migrated it");
        }
        Ok(())
    }
}

/// Those of this version, in their order.
fn all_migrations() -> Result<Vec<Box<dyn Migration<Pg>>>, MigrateError> {
    let mut all: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(MigrateError::Migration)?;
    all.sort_by_cached_key(|migration| version(migration.as_ref()));
    Ok(all)
}

fn version(migration: &dyn Migration<Pg>) -> String {
    migration.name().version().to_string()
}
