//! Who holds what a migration waits for.

use std::time::{Duration, Instant};

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Integer, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::MigrateError;

/// A migration may wait for long, and its operator wants to know what for.
pub(super) const REMINDER: Duration = Duration::from_secs(10);

/// A role sees no more of other roles' sessions than their ids, unless it may read all statistics.
const BLOCKERS: &str = "\
    SELECT CASE WHEN b.pid = 0 THEN 'a prepared transaction' ELSE pg_catalog.format( \
               'pid %s (application %s, database %s, %s, in its transaction since %s)', b.pid, \
               coalesce(nullif(a.application_name, ''), '?'), coalesce(a.datname, '?'), coalesce(a.state, 'unknown'), \
               coalesce(a.xact_start::text, '?')) END AS blocker \
    FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids($1)) AS b(pid) \
    LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid";

/// What is waited for may end a moment before the statement that waited for it has failed.
const RECENTLY: Duration = Duration::from_millis(500);

/// How long the waits of one attempt may take altogether. `lock_timeout` limits each, while the locks that the attempt
/// has already keep others waiting through all of them.
const PATIENCE: Duration = Duration::from_millis(600);

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
    /// Who was in the way when somebody last was.
    blockers: Vec<String>,
    blocked_at: Option<Instant>,
    looked_at: Instant,
    /// How long this attempt has waited so far.
    waited: Duration,
    said: Option<Instant>,
}

impl Watch {
    /// `connection` is another one than that of the session `pid`, which is watched.
    pub(super) fn new(connection: AsyncPgConnection, pid: i32) -> Self {
        Self {
            connection,
            pid,
            blockers: Vec::new(),
            blocked_at: None,
            looked_at: Instant::now(),
            waited: Duration::ZERO,
            said: None,
        }
    }

    /// A new attempt begins.
    pub(super) fn begin(&mut self) {
        self.blockers.clear();
        self.blocked_at = None;
        self.looked_at = Instant::now();
        self.waited = Duration::ZERO;
    }

    /// Looks who blocks the migration at this moment.
    pub(super) async fn look(&mut self, migration: &str) -> Result<(), MigrateError> {
        let blockers = sql_query(BLOCKERS).bind::<Integer, _>(self.pid).load::<Blocker>(&mut self.connection);
        let blockers = blockers.await.map_err(MigrateError::Watch)?;
        let (now, before) = (Instant::now(), self.looked_at);
        self.looked_at = now;
        if blockers.is_empty() {
            return Ok(());
        }
        self.blockers = blockers.into_iter().map(|row| row.blocker).collect();
        self.blocked_at = Some(now);
        self.waited += now - before;
        if self.said.is_none_or(|said| said.elapsed() > REMINDER) {
            tracing::warn!(migration, blockers = self.blockers(), "a migration waits");
            self.said = Some(now);
        }
        Ok(())
    }

    /// Whether this attempt has kept others waiting for too long.
    pub(super) fn must_give_way(&self) -> bool {
        self.waited > PATIENCE
    }

    /// Ends the statement that the migration is at.
    pub(super) async fn cancel(&mut self) -> Result<(), MigrateError> {
        let cancel = format!("SELECT pg_catalog.pg_cancel_backend({})", self.pid);
        self.connection.batch_execute(&cancel).await.map_err(MigrateError::Watch)?;
        self.blocked_at = Some(Instant::now());
        Ok(())
    }

    /// Whether the migration waited a moment ago. `PostgreSQL` says why a statement failed in the language it was set
    /// to, and Diesel does not pass the code on.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked_at.is_some_and(|at| at.elapsed() < RECENTLY)
    }

    pub(super) fn blockers(&self) -> String {
        self.blockers.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use comanda_tests::TestDatabase;
    use tokio_postgres::error::SqlState;

    use super::*;
    use crate::database::establish::establish;

    /// The first lock is held while the second one is waited for, and keeps everybody waiting who needs that table.
    #[tokio::test(flavor = "multi_thread")]
    async fn the_waits_of_an_attempt_add_up() {
        let database = TestDatabase::migrated().await;
        let (one, other) = (database.client().await, database.client().await);
        one.batch_execute("BEGIN; LOCK TABLE users IN ACCESS SHARE MODE").await.unwrap();
        other.batch_execute("BEGIN; LOCK TABLE orders IN ACCESS SHARE MODE").await.unwrap();
        let migrating = database.client().await;
        migrating.batch_execute("SET lock_timeout = '1min'").await.unwrap();
        let pid: i32 = migrating.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
        let mut watch = Watch::new(establish(&database.url.parse().unwrap(), "").await.unwrap(), pid);
        watch.begin();
        let attempt =
            tokio::spawn(async move { migrating.batch_execute("BEGIN; LOCK TABLE users; LOCK TABLE orders").await });
        while watch.waited < PATIENCE / 2 {
            watch.look("users").await.unwrap();
        }
        assert!(watch.is_blocked());
        one.batch_execute("COMMIT").await.unwrap();
        while !watch.must_give_way() {
            watch.look("orders").await.unwrap();
        }
        watch.cancel().await.unwrap();
        assert_eq!(attempt.await.unwrap().unwrap_err().code(), Some(&SqlState::QUERY_CANCELED));
        assert!(watch.is_blocked());
    }
}
