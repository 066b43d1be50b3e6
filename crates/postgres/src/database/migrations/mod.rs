//! Applying migrations.

mod apply;
mod blockers;
mod invalid_indexes;
mod pending;

use std::{collections::HashSet, time::Duration};

use diesel::{
    QueryResult, QueryableByName,
    dsl::sql,
    migration::{Migration, MigrationSource},
    pg::Pg,
    sql_query,
    sql_types::{Bool, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use thiserror::Error;

use super::{DatabaseUrl, SharedSessions, establish::establish, session_state::ensure_sessions_are_kept};

pub use self::pending::pending_migrations;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Refuses the role that the session's `comanda.server_role` names unless it is another than the owner of the tables.
const TWO_ROLES: &str = include_str!("two_roles.sql");

/// Grants the same role what a server needs.
const GRANTS: &str = include_str!("grants.sql");

/// The key of the advisory lock: any number that nothing else in this database uses for one.
const LOCK: i64 = 0x0063_6f6d_616e_6461;

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
/// else waits behind it for longer than half a second.
///
/// Whoever migrates owns the tables. `server_role` is another role that servers sign in as: it is granted what they
/// need, whether or not a migration was pending. It cannot change what is append-only.
pub async fn migrate(url: &DatabaseUrl, server_role: Option<&str>) -> Result<Vec<String>, MigrateError> {
    ensure_sessions_are_kept(url).await?;
    // A connection of its own: closing it releases the lock whatever happens, and no time limit interrupts a long
    // migration.
    let mut connection = establish(url, "SET application_name = 'comanda-migrate'").await?;
    // Only an owner gets any further. A server that owns nothing may start all the same if there is nothing to do.
    if let (None, Some(history)) = (server_role, History::read(&mut connection).await.map_err(MigrateError::Applied)?) {
        match history.pending()? {
            0 => return Ok(Vec::new()),
            pending if !history.is_ours => return Err(MigrateError::NotOwner(pending)),
            _ => {}
        }
    }
    // Polls instead of waiting within PostgreSQL: a session that waits there keeps a snapshot, and the server that
    // migrates would wait for that snapshot to end when it creates an index concurrently.
    while !try_lock(&mut connection).await.map_err(MigrateError::Lock)? {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
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

async fn try_lock(connection: &mut AsyncPgConnection) -> QueryResult<bool> {
    diesel::select(sql::<Bool>(&format!("pg_catalog.pg_try_advisory_lock({LOCK})"))).get_result(connection).await
}

async fn name_server_role(connection: &mut AsyncPgConnection, role: &str) -> QueryResult<()> {
    let name = sql_query("SELECT pg_catalog.set_config('comanda.server_role', $1, false)").bind::<Text, _>(role);
    name.execute(connection).await.map(drop)
}

/// What Diesel has written down of the migrations of a database.
struct History {
    applied: HashSet<String>,
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
}

impl History {
    /// `None`: nobody has ever migrated this database.
    async fn read(connection: &mut AsyncPgConnection) -> QueryResult<Option<Self>> {
        let ownership = "SELECT pg_catalog.pg_has_role(relowner, 'USAGE') AS is_ours FROM pg_catalog.pg_class \
                         WHERE oid = pg_catalog.to_regclass('__diesel_schema_migrations')";
        let ownership: Vec<Ownership> = sql_query(ownership).load(connection).await?;
        let Some(Ownership { is_ours }) = ownership.into_iter().next() else { return Ok(None) };
        let applied = sql_query("SELECT version::text FROM __diesel_schema_migrations").load::<Applied>(connection);
        let applied = applied.await?.into_iter().map(|row| row.version).collect();
        Ok(Some(Self { applied, is_ours }))
    }

    /// How many of our migrations are not applied.
    fn pending(&self) -> Result<usize, MigrateError> {
        let all: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(MigrateError::Migration)?;
        let is_applied = |migration: &dyn Migration<Pg>| self.applied.contains(&migration.name().version().to_string());
        Ok(all.iter().filter(|migration| !is_applied(migration.as_ref())).count())
    }
}
