//! Connections.

use std::time::Duration;

use comanda_domain::ports::Unavailable;
use diesel_async::{
    AsyncConnection, AsyncPgConnection, SimpleAsyncConnection,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, PoolError, PoolableConnection, RecyclingMethod,
        bb8::{Pool, PooledConnection},
    },
};
use futures_util::FutureExt;
use thiserror::Error;
use tokio::runtime::Handle;

/// How to reach the database, and how long anything may take there.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// `postgres://user:password@host:port/database`
    pub url: String,
    /// The most connections for everything but placing orders, which has one of its own.
    pub max_connections: u32,
    /// How long a request waits for a free connection.
    pub wait_for_connection: Duration,
    /// How long a statement may run, a transaction may wait for a lock, or sit idle. `PostgreSQL` itself ends it then, so
    /// that no lock outlives this even when a server dies.
    pub transaction_limit: Duration,
}

/// The database could not be reached at start.
#[derive(Debug, Error)]
#[error("cannot connect to PostgreSQL")]
pub struct ConnectError(#[source] bb8::RunError<PoolError>);

/// A pool of connections, each with its time limits set.
#[derive(Clone)]
pub struct Database {
    pool: Pool<AsyncPgConnection>,
    config: DatabaseConfig,
    runtime: Handle,
}

impl Database {
    /// Connects once, to find out that it works. Must be called within a tokio runtime, which from then on drives the
    /// connections and the transactions.
    pub async fn connect(config: DatabaseConfig) -> Result<Self, ConnectError> {
        let pool = pool_of(&config);
        drop(pool.get().await.map_err(ConnectError)?);
        Ok(Self { pool, config, runtime: Handle::current() })
    }

    /// A connection beside the pool, with `settings` (SQL) of its own, for work that must not wait behind other work.
    pub(crate) async fn dedicated(&self, settings: &str) -> Result<AsyncPgConnection, Unavailable> {
        let establish = establish(&self.config.url, format!("{}{settings}", time_limits(&self.config)));
        tokio::time::timeout(self.config.wait_for_connection, establish)
            .await
            .map_err(Unavailable::new)?
            .map_err(Unavailable::new)
    }

    pub(crate) async fn connection(&self) -> Result<PooledConnection<'_, AsyncPgConnection>, Unavailable> {
        self.pool.get().await.map_err(Unavailable::new)
    }

    pub(crate) fn transaction_limit(&self) -> Duration {
        self.config.transaction_limit
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }
}

fn pool_of(config: &DatabaseConfig) -> Pool<AsyncPgConnection> {
    let limits = time_limits(config);
    let mut manager = ManagerConfig::<AsyncPgConnection>::default();
    manager.custom_setup = Box::new(move |url| establish(url, limits.clone()).boxed());
    // A connection that is known to be closed is replaced without asking the server; asking each time would cost
    // every read a round trip.
    manager.recycling_method = RecyclingMethod::CustomFunction(Box::new(|connection: &mut AsyncPgConnection| {
        let closed = connection.is_broken();
        async move { if closed { Err(diesel::result::Error::BrokenTransactionManager) } else { Ok(()) } }.boxed()
    }));
    Pool::builder()
        .max_size(config.max_connections)
        .connection_timeout(config.wait_for_connection)
        .build_unchecked(AsyncDieselConnectionManager::new_with_config(config.url.clone(), manager))
}

/// A little below the limit for PostgreSQL, so that its clear answer comes before anybody here stops waiting.
fn time_limits(config: &DatabaseConfig) -> String {
    let limit = config.transaction_limit.mul_f32(0.9).as_millis();
    format!(
        "SET statement_timeout = {limit}; SET lock_timeout = {limit}; \
         SET idle_in_transaction_session_timeout = {limit}; SET application_name = 'comanda';"
    )
}

async fn establish(url: &str, setup: String) -> diesel::ConnectionResult<AsyncPgConnection> {
    let mut connection = AsyncPgConnection::establish(url).await?;
    connection.batch_execute(&setup).await.map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}
