//! The database: its connections and what each is for, transactions, and how statements are named, measured and logged.

mod collision;
mod connection_failed;
mod connections;
mod establish;
mod examine;
mod failure_class;
mod fitness;
mod health;
mod history;
mod log_flush;
mod migrations;
mod named;
mod pool_metrics;
mod replica;
mod row_error;
pub(crate) mod schema;
mod search;
mod session_state;
mod slow_statements;
mod statement;
mod statement_counters;
mod stored_time;
mod tls;
mod transaction;
mod transaction_failure;
mod url;

use std::{error::Error, sync::Arc, time::Duration};

use comanda_domain::{Currency, ports::Unavailable};
use diesel_async::{AsyncPgConnection, pooled_connection::bb8::PooledConnection};
use thiserror::Error;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};

pub(crate) use self::{
    collision::MayCollide,
    connections::in_time,
    failure_class::{Failures, aborts_transaction},
    fitness::is_fit,
    history::{PLACE_COLUMNS, PLACE_JOINS, Place, WHERE_WRITTEN, follow_history},
    log_flush::{
        LOG_PLACE, flush_log, flush_what_was_read, flush_what_was_read_before, flush_what_was_read_before_to_disk,
    },
    migrations::is_schema_of_this_release,
    named::{Named, NamedRows},
    row_error::{PageOfRows, RowOf},
    search::{folded_for_search, name_matches},
    statement::{TypeName, statement, written},
    stored_time::{MaybeStoredTime, StoredTime},
    transaction::{Work, run_transaction, spawn_transaction},
    transaction_failure::Failure,
};
use self::{
    collision::warn_of_other_language,
    connections::{Connections, Taken, before, time_limits},
    failure_class::is_passing,
    fitness::Orders,
    replica::Replica,
    session_state::ensure_sessions_are_kept,
    slow_statements::{Origin, SlowStatements, establish_watched},
};
pub use self::{
    examine::{DatabaseFacts, examine, examine_pooling},
    health::PostgresHealth,
    migrations::{
        AppliedMigration, MigrateError, MigrationStatus, PendingMigration, ensure_migrated, migrate, migration_status,
    },
    session_state::SharedSessions,
    url::{DatabaseUrl, InvalidDatabaseUrl},
};

/// How to reach the database, how many connections serve which purpose, and the time limits.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    pub url: DatabaseUrl,
    /// The deployment's currency: the tables hold bare minor units.
    pub currency: Currency,
    /// A streaming replica, for reads that may be slightly out of date.
    pub replica_url: Option<DatabaseUrl>,
    /// How far behind the replica may be to be read from.
    pub replica_lag: Duration,
    /// Connections for writes and for signing in, which no flood of reads can take. Placing orders has one more of its
    /// own.
    pub write_connections: u32,
    /// Connections for all other reads.
    pub read_connections: u32,
    /// Reports are refused when they would leave fewer read connections than this.
    pub free_read_connections: u32,
    /// How long a request waits for a free connection.
    pub wait_for_connection: Duration,
    /// How long a statement that writes may run, and how long a transaction may wait for a lock or sit idle.
    /// `PostgreSQL` itself ends it then, so that no lock outlives this even when a server dies.
    pub transaction_limit: Duration,
    /// The same for reads.
    pub read_limit: Duration,
    /// How long a statement of a report may run.
    pub report_limit: Duration,
    /// Statements that take longer than this are logged by name.
    pub slow_statement: Duration,
}

/// Why the database cannot be used.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// It could not be reached at startup.
    #[error("{0}")]
    Unreachable(#[source] Unavailable),
    /// It, or its replica, is reached in a way that does not work.
    #[error(transparent)]
    SharedSessions(#[from] SharedSessions),
}

/// As many reports run as may run at once.
#[derive(Debug, Error)]
#[error("all connections for reports are in use")]
struct Exhausted;

/// Pools of connections, each with its own time limits.
#[derive(Clone)]
pub struct Database {
    writes: Connections,
    reads: Connections,
    replica: Option<Replica>,
    reports: Arc<Semaphore>,
    slow_statements: Arc<SlowStatements>,
    config: Arc<DatabaseConfig>,
    runtime: Handle,
}

impl Database {
    /// Connects once to make sure that it works. Must be called within a tokio runtime, which from then on drives the
    /// connections and the transactions.
    pub async fn connect(mut config: DatabaseConfig) -> Result<Self, ConnectError> {
        row_error::register_counters();
        statement_counters::register();
        config.url = config.url.with_time_limits();
        // The pools would wait for what does not come, such as another password.
        config.url.wait(config.wait_for_connection).await.map_err(ConnectError::Unreachable)?;
        ensure_sessions_are_kept(&config.url).await?;
        if let Some(replica) = &config.replica_url {
            ensure_sessions_are_kept(&replica.clone().with_time_limits()).await?;
        }
        let slow_statements = SlowStatements::longer_than(config.slow_statement);
        let connections = |url: &DatabaseUrl, name, size, limit| {
            Connections::to(url, name, size, config.wait_for_connection, limit, &slow_statements)
        };
        let writes = connections(&config.url, ("writes", true), config.write_connections, config.transaction_limit);
        let reads = connections(&config.url, ("reads", false), config.read_connections, config.read_limit);
        let mut connection = match writes.take().await {
            Ok(connection) => connection,
            Err(error) => return Err(ConnectError::Unreachable(error)),
        };
        let warned = warn_of_other_language(&mut connection).await;
        warned.map_err(|error| ConnectError::Unreachable(Unavailable::new(error)))?;
        drop(connection);
        let replica = config.replica_url.clone().map(|url| {
            let url = url.with_time_limits();
            let replica = connections(&url, ("replica", false), config.read_connections, config.read_limit);
            Replica::new(replica, config.url.clone(), url, config.replica_lag)
        });
        let reports = config.read_connections.saturating_sub(config.free_read_connections).max(1);
        Ok(Self {
            writes,
            reads,
            replica,
            reports: Arc::new(Semaphore::new(reports as usize)),
            slow_statements,
            config: Arc::new(config),
            runtime: Handle::current(),
        })
    }

    /// Measures how many connections of each pool are in use, and how many callers wait for one.
    pub fn measure_pools(&self) {
        let replica = self.replica.as_ref().map(|replica| &replica.connections);
        for pool in [&self.writes, &self.reads].into_iter().chain(replica) {
            pool.measure();
        }
    }

    pub fn has_replica(&self) -> bool {
        self.replica.is_some()
    }

    /// Finds out how far the replica is behind the primary, if there is a replica. It serves reads only for two seconds
    /// after it was found to be fresh, so this has to be called again and again.
    pub async fn compare_replica(&self) -> Result<(), Unavailable> {
        match &self.replica {
            Some(replica) => replica.compare().await,
            None => Ok(()),
        }
    }

    /// A connection outside the pools, with `settings` (SQL) of its own, for work that must not wait behind other work.
    pub(crate) async fn dedicated(&self, settings: &str) -> Result<AsyncPgConnection, Unavailable> {
        let limits = time_limits(self.config.transaction_limit);
        let origin = Origin {
            url: self.config.url.clone(),
            setup: format!("{limits}{settings}"),
            writes: true,
            slow_statements: Arc::clone(&self.slow_statements),
        };
        tokio::time::timeout(self.config.wait_for_connection, establish_watched(Arc::new(origin)))
            .await
            .map_err(|_| self.no_connection())?
            .map_err(Unavailable::new)
    }

    /// Why somebody got no connection in time.
    fn no_connection(&self) -> Unavailable {
        self.config.url.no_connection()
    }

    /// Why nobody got a connection for writes in time.
    fn no_connection_for_writes(&self) -> Unavailable {
        self.writes.no_connection()
    }

    fn addresses(&self) -> &str {
        self.config.url.addresses()
    }

    /// An order was committed, or could not be. What may pass by itself, or concern some orders only, counts once it
    /// has lasted.
    pub(crate) fn note_orders(&self, outcome: Result<(), &Unavailable>) {
        let outcome = match outcome {
            Err(error) if has_failed_for_good(error) => Err(error.to_string()),
            Err(_) => return self.note_late_orders(),
            Ok(()) => Ok(()),
        };
        self.config.url.fitness().note_orders(outcome);
    }

    /// An order was not written in time.
    pub(crate) fn note_late_orders(&self) {
        self.config.url.fitness().note_late_orders();
    }

    /// Fails if a table that orders need has been locked for long; `cause` says that one is.
    fn note_locks(&self, cause: Option<String>) -> Result<(), Unavailable> {
        self.config.url.fitness().note_locks(cause).map_err(Unavailable::new)
    }

    fn orders(&self) -> Result<Orders, Unavailable> {
        self.config.url.fitness().orders().map_err(Unavailable::new)
    }

    /// A connection for writes, and for reads that decide who somebody is.
    pub(crate) async fn connection(&self) -> Result<Taken<'_>, Unavailable> {
        self.writes.take().await
    }

    /// A connection for a look at whether writes are possible.
    pub(crate) async fn connection_for_a_look(&self) -> Result<PooledConnection<'_, AsyncPgConnection>, Unavailable> {
        self.writes.overtake().await
    }

    /// A connection for reads.
    pub(crate) async fn read_connection(&self) -> Result<Taken<'_>, Unavailable> {
        self.reads.take().await
    }

    /// A connection for reads that may be slightly out of date: lists, searches and reports.
    pub(crate) async fn list_connection(&self) -> Result<Taken<'_>, Unavailable> {
        match self.replica_connection().await? {
            Some(connection) => Ok(connection),
            None => self.read_connection().await,
        }
    }

    /// A connection to the replica, if there is one that is to be read from.
    pub(crate) async fn replica_connection(&self) -> Result<Option<Taken<'_>>, Unavailable> {
        let Some(replica) = self.replica.as_ref().filter(|replica| replica.is_fresh()) else { return Ok(None) };
        match replica.connections.take().await {
            // It may just have gone; the primary is there.
            Err(error) if !error.is_overload() => {
                tracing::debug!(%error, "the replica cannot be reached");
                Ok(None)
            }
            taken => taken.map(Some),
        }
    }

    /// Reports are the first to give way: one more than may run at once is refused immediately.
    pub(crate) fn place_for_report(&self) -> Result<OwnedSemaphorePermit, Unavailable> {
        let place = Arc::clone(&self.reports).try_acquire_owned();
        place.map_err(|_| Unavailable::overloaded(Exhausted))
    }

    pub(crate) fn currency(&self) -> Currency {
        self.config.currency
    }

    pub(crate) fn transaction_limit(&self) -> Duration {
        self.config.transaction_limit
    }

    /// How long a statement of a report may run: not longer than its request has time left.
    pub(crate) fn report_limit(&self) -> Duration {
        let limit = self.config.report_limit;
        before(comanda_deadline::left().map_or(limit, |left| limit.min(left))).max(Duration::from_millis(1))
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }
}

/// Whether a statement has failed, and will as long as nobody does anything about it.
fn has_failed_for_good(error: &(dyn Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| (*error).source());
    let statement = causes.find_map(|error| error.downcast_ref::<diesel::result::Error>());
    statement.is_some_and(|error| matches!(error, diesel::result::Error::DatabaseError(..)) && !is_passing(error))
}
