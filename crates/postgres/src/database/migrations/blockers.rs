//! Who holds what a migration waits for.

use std::time::{Duration, Instant};

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Integer, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::MigrateError;

/// A migration may wait for long, and its operator wants to know what for.
const REMINDER: Duration = Duration::from_secs(10);

/// A role sees no more of other roles' sessions than their ids, unless it may read all statistics.
const BLOCKERS: &str = "\
    SELECT CASE WHEN b.pid = 0 THEN 'a prepared transaction' ELSE pg_catalog.format( \
               'pid %s (application %s, database %s, %s, in its transaction since %s)', b.pid, \
               coalesce(nullif(a.application_name, ''), '?'), coalesce(a.datname, '?'), coalesce(a.state, 'unknown'), \
               coalesce(a.xact_start::text, '?')) END AS blocker \
    FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids($1)) AS b(pid) \
    LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid";

#[derive(QueryableByName)]
struct Blocker {
    #[diesel(sql_type = Text)]
    blocker: String,
}

/// Watches the session that migrates.
pub(super) struct Watch {
    connection: AsyncPgConnection,
    /// The session that migrates.
    pid: i32,
    blockers: Vec<String>,
    said: Option<Instant>,
}

impl Watch {
    /// `connection` is another one than that of the session `pid`, which is watched.
    pub(super) fn new(connection: AsyncPgConnection, pid: i32) -> Self {
        Self { connection, pid, blockers: Vec::new(), said: None }
    }

    /// A new attempt begins.
    pub(super) fn begin(&mut self) {
        self.blockers.clear();
    }

    /// Looks who blocks the migration at this moment.
    pub(super) async fn look(&mut self, migration: &str) -> Result<(), MigrateError> {
        let blockers = sql_query(BLOCKERS).bind::<Integer, _>(self.pid).load::<Blocker>(&mut self.connection);
        self.blockers = blockers.await.map_err(MigrateError::Watch)?.into_iter().map(|row| row.blocker).collect();
        if self.is_blocked() && self.said.is_none_or(|said| said.elapsed() > REMINDER) {
            tracing::warn!(migration, blockers = self.blockers(), "a migration waits");
            self.said = Some(Instant::now());
        }
        Ok(())
    }

    /// Whether the migration waited when this last looked. `PostgreSQL` says why a statement failed in the language it
    /// was set to, and Diesel does not pass the code on.
    pub(super) fn is_blocked(&self) -> bool {
        !self.blockers.is_empty()
    }

    pub(super) fn blockers(&self) -> String {
        self.blockers.join("; ")
    }
}
