//! Connections.

use std::{sync::Arc, time::Duration};

use comanda_domain::ports::Unavailable;
use diesel_async::{
    AsyncPgConnection,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, PoolError, PoolableConnection, RecyclingMethod,
        bb8::{Pool, PooledConnection},
    },
};
use futures_util::FutureExt;
use thiserror::Error;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};

use crate::{
    establish::with_time_limits,
    pool_metrics,
    replica::Replica,
    slow_statements::{Origin, SlowStatements, establish_watched},
};

/// How to reach the database, how connections are shared out, and how long anything may take there.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// `postgres://user:password@host:port/database`, several hosts separated by commas.
    pub url: String,
    /// A streaming replica of it, for reads that may be a moment old.
    pub replica_url: Option<String>,
    /// How far behind the replica may be.
    pub replica_lag: Duration,
    /// Connections for what changes something, and for signing in: no flood of reads can take them. Placing orders has one more
    /// of its own.
    pub write_connections: u32,
    /// Connections for everything else that reads.
    pub read_connections: u32,
    /// Reports give way when fewer reading connections than this would be left.
    pub free_read_connections: u32,
    /// How long a request waits for a free connection.
    pub wait_for_connection: Duration,
    /// How long a statement that writes may run, a transaction may wait for a lock, or sit idle. `PostgreSQL` itself ends it
    /// then, so that no lock outlives this even when a server dies.
    pub transaction_limit: Duration,
    /// The same for reads.
    pub read_limit: Duration,
    /// How long a statement of a report may run.
    pub report_limit: Duration,
    /// Statements that take longer are logged by name.
    pub slow_statement: Duration,
}

/// The database could not be reached at start.
#[derive(Debug, Error)]
#[error("cannot connect to PostgreSQL")]
pub struct ConnectError(#[source] bb8::RunError<PoolError>);

/// All connections of a pool are at work.
#[derive(Debug, Error)]
#[error("all {0} connections are in use")]
struct Exhausted(&'static str);

/// Pools of connections, each with its time limits set.
#[derive(Clone)]
pub struct Database {
    writes: Pool<AsyncPgConnection>,
    reads: Pool<AsyncPgConnection>,
    replica: Option<Replica>,
    reports: Arc<Semaphore>,
    slow_statements: Arc<SlowStatements>,
    config: Arc<DatabaseConfig>,
    runtime: Handle,
}

impl Database {
    /// Connects once, to find out that it works. Must be called within a tokio runtime, which from then on drives the
    /// connections and the transactions.
    pub async fn connect(mut config: DatabaseConfig) -> Result<Self, ConnectError> {
        config.url = with_time_limits(&config.url);
        let slow_statements = SlowStatements::longer_than(config.slow_statement);
        let writes =
            pool_of(&config, &slow_statements, &config.url, config.write_connections, config.transaction_limit);
        let reads = pool_of(&config, &slow_statements, &config.url, config.read_connections, config.read_limit);
        drop(writes.get().await.map_err(ConnectError)?);
        let replica = config.replica_url.as_deref().map(|url| {
            let url = with_time_limits(url);
            let pool = pool_of(&config, &slow_statements, &url, config.read_connections, config.read_limit);
            Replica::watch(pool, config.url.clone(), url, config.replica_lag)
        });
        let reports = config.read_connections.saturating_sub(config.free_read_connections).max(1);
        let database = Self {
            writes,
            reads,
            replica,
            reports: Arc::new(Semaphore::new(reports as usize)),
            slow_statements,
            config: Arc::new(config),
            runtime: Handle::current(),
        };
        tokio::spawn(pool_metrics::keep_measuring(
            "writes",
            database.writes.clone(),
            database.config.write_connections,
        ));
        tokio::spawn(pool_metrics::keep_measuring("reads", database.reads.clone(), database.config.read_connections));
        Ok(database)
    }

    /// A connection beside the pools, with `settings` (SQL) of its own, for work that must not wait behind other work.
    pub(crate) async fn dedicated(&self, settings: &str) -> Result<AsyncPgConnection, Unavailable> {
        let limits = time_limits(self.config.transaction_limit);
        let origin = Origin {
            url: self.config.url.clone(),
            setup: format!("{limits}{settings}"),
            slow_statements: Arc::clone(&self.slow_statements),
        };
        tokio::time::timeout(self.config.wait_for_connection, establish_watched(Arc::new(origin)))
            .await
            .map_err(Unavailable::new)?
            .map_err(Unavailable::new)
    }

    /// For what changes something, or decides who somebody is.
    pub(crate) async fn connection(&self) -> Result<PooledConnection<'_, AsyncPgConnection>, Unavailable> {
        taken("writes", &self.writes, self.config.write_connections).await
    }

    /// For what only reads.
    pub(crate) async fn read_connection(&self) -> Result<PooledConnection<'_, AsyncPgConnection>, Unavailable> {
        taken("reads", &self.reads, self.config.read_connections).await
    }

    /// For what only reads and may be a moment old: lists, searches and reports.
    pub(crate) async fn list_connection(&self) -> Result<PooledConnection<'_, AsyncPgConnection>, Unavailable> {
        if let Some(replica) = self.replica.as_ref().filter(|replica| replica.is_fresh()) {
            match taken("replica", &replica.pool, self.config.read_connections).await {
                // It may have gone a moment ago; the primary is there.
                Err(error) if !error.is_overload() => {
                    tracing::debug!(%error, "the replica is not within reach");
                }
                taken => return taken,
            }
        }
        self.read_connection().await
    }

    /// Reports are the first to give way: they are refused at once while enough others run.
    pub(crate) fn place_for_report(&self) -> Result<OwnedSemaphorePermit, Unavailable> {
        let place = Arc::clone(&self.reports).try_acquire_owned();
        place.map_err(|_| Unavailable::overloaded(Exhausted("reports'")))
    }

    pub(crate) fn transaction_limit(&self) -> Duration {
        self.config.transaction_limit
    }

    /// In milliseconds, for a setting of PostgreSQL.
    pub(crate) fn report_limit(&self) -> u128 {
        before(self.config.report_limit).as_millis()
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }
}

async fn taken<'a>(
    name: &'static str,
    pool: &'a Pool<AsyncPgConnection>,
    size: u32,
) -> Result<PooledConnection<'a, AsyncPgConnection>, Unavailable> {
    let begin = std::time::Instant::now();
    let connection = pool.get().await;
    pool_metrics::waited(name, begin.elapsed());
    connection.map_err(|error| {
        let state = pool.state();
        let all_at_work = state.connections == size && state.idle_connections == 0;
        if all_at_work { Unavailable::overloaded(Exhausted(name)) } else { Unavailable::new(error) }
    })
}

fn pool_of(
    config: &DatabaseConfig,
    slow_statements: &Arc<SlowStatements>,
    url: &str,
    size: u32,
    limit: Duration,
) -> Pool<AsyncPgConnection> {
    let slow_statements = Arc::clone(slow_statements);
    let origin = Arc::new(Origin { url: url.to_owned(), setup: time_limits(limit), slow_statements });
    let mut manager = ManagerConfig::<AsyncPgConnection>::default();
    manager.custom_setup = Box::new(move |_| establish_watched(Arc::clone(&origin)).boxed());
    // A connection that is known to be closed is replaced without asking the server; asking each time would cost
    // every read a round trip.
    manager.recycling_method = RecyclingMethod::CustomFunction(Box::new(|connection: &mut AsyncPgConnection| {
        let closed = connection.is_broken();
        async move { if closed { Err(diesel::result::Error::BrokenTransactionManager) } else { Ok(()) } }.boxed()
    }));
    // Who waits for a connection for as long as the work may take gets no answer in time.
    let wait = config.wait_for_connection.min(before(limit));
    Pool::builder()
        .max_size(size)
        .connection_timeout(wait)
        .build_unchecked(AsyncDieselConnectionManager::new_with_config(url, manager))
}

/// A little before the limit, for what has a clear answer that should come before anybody stops waiting.
fn before(limit: Duration) -> Duration {
    limit.mul_f32(0.9)
}

fn time_limits(limit: Duration) -> String {
    let limit = before(limit).as_millis();
    format!(
        "SET statement_timeout = {limit}; SET lock_timeout = {limit}; \
         SET idle_in_transaction_session_timeout = {limit}; SET application_name = 'comanda';"
    )
}
