//! A pool of connections for one purpose.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use comanda_domain::ports::Unavailable;
use diesel::{QueryResult, result::Error};
use diesel_async::{
    AsyncConnection, AsyncPgConnection, SimpleAsyncConnection,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        bb8::{Pool, PooledConnection, RunError},
    },
};
use futures_util::FutureExt;
use thiserror::Error;

use super::{
    DatabaseUrl,
    fitness::is_fit,
    pool_metrics,
    slow_statements::{Listener, Origin, SlowStatements, establish_watched},
};

/// A statement timeout is set to what is left of a request's time, which costs a round trip, only if that is less than
/// this part of the usual limit.
const MUCH_SHORTER: f32 = 0.9;

/// Every connection of the pool is in use.
#[derive(Debug, Error)]
#[error("all {0} connections are in use")]
struct Exhausted(&'static str);

/// The pool.
#[derive(Clone)]
pub(crate) struct Connections {
    name: &'static str,
    url: DatabaseUrl,
    pool: Pool<AsyncPgConnection>,
    size: u32,
}

impl Connections {
    /// At most `size` connections to `url`, which are there to write or not. A request waits for a free one for at most
    /// `wait`, and statements end before `limit`. Must be called within a tokio runtime.
    pub(crate) fn to(
        url: &DatabaseUrl,
        (name, writes): (&'static str, bool),
        size: u32,
        wait: Duration,
        limit: Duration,
        slow_statements: &Arc<SlowStatements>,
    ) -> Self {
        let setup = time_limits(limit);
        let origin = Arc::new(Origin { url: url.clone(), setup, writes, slow_statements: Arc::clone(slow_statements) });
        let mut manager = ManagerConfig::<AsyncPgConnection>::default();
        manager.custom_setup = Box::new(move |_| establish_watched(Arc::clone(&origin)).boxed());
        let usual = before(limit);
        manager.recycling_method =
            RecyclingMethod::CustomFunction(Box::new(move |connection| prepare(connection, usual).boxed()));
        let pool = Pool::builder()
            .max_size(size)
            // A wait as long as the work may take would leave no time for the response.
            .connection_timeout(wait.min(usual))
            .build_unchecked(AsyncDieselConnectionManager::new_with_config(String::new(), manager));
        Self { name, url: url.clone(), pool, size }
    }

    pub(crate) fn measure(&self) {
        pool_metrics::measure(self.name, &self.pool, self.size);
    }

    /// A connection. Waits no longer than the request has time left.
    pub(crate) async fn take(&self) -> Result<PooledConnection<'_, AsyncPgConnection>, Unavailable> {
        let begin = Instant::now();
        let waiting = pool_metrics::Waiting::begin(self.name);
        let timeout = comanda_deadline::left().map_or(Duration::MAX, before);
        let taken = tokio::time::timeout(timeout, self.pool.get()).await;
        drop(waiting);
        pool_metrics::waited(self.name, begin.elapsed());
        match taken {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(RunError::User(error))) if !self.is_exhausted() => Err(Unavailable::new(error)),
            Ok(Err(_)) | Err(_) => Err(self.no_connection()),
        }
    }

    /// Why there is no connection in time.
    pub(crate) fn no_connection(&self) -> Unavailable {
        if self.is_exhausted() { Unavailable::overloaded(Exhausted(self.name)) } else { self.url.no_connection() }
    }

    fn is_exhausted(&self) -> bool {
        let state = self.pool.state();
        state.connections == self.size && state.idle_connections == 0
    }
}

/// Prepares a connection for the request that takes it: its statements end before the request does, and before the
/// usual limit in any case.
async fn prepare(connection: &mut AsyncPgConnection, usual: Duration) -> QueryResult<()> {
    // A connection that is known to be closed is replaced without asking the server; asking would cost every read a
    // round trip. Nor does one go on that can no longer do its work.
    if !is_fit(connection) {
        return Err(Error::BrokenTransactionManager);
    }
    let left = comanda_deadline::left().map(before).filter(|left| *left < usual.mul_f32(MUCH_SHORTER));
    // Zero would be no limit at all.
    let limit = left.unwrap_or(usual).max(Duration::from_millis(1));
    let remember_timeout = |connection: &mut AsyncPgConnection, limit| {
        let listener = connection.instrumentation().downcast_mut::<Listener>()?;
        std::mem::replace(&mut listener.statement_timeout, limit)
    };
    // Unknown until the statement has succeeded.
    if remember_timeout(connection, None) != Some(limit) {
        connection.batch_execute(&format!("SET statement_timeout = {}", limit.as_millis())).await?;
    }
    remember_timeout(connection, Some(limit));
    Ok(())
}

/// A little less than a limit, so that the error of what takes too long arrives before its caller stops waiting.
pub(crate) fn before(limit: Duration) -> Duration {
    limit.mul_f32(0.9)
}

/// The limit for several statements together. It ends before the request does, so that the client is told that nothing
/// was done.
pub(crate) fn in_time(limit: Duration) -> Duration {
    comanda_deadline::left().map_or(limit, |left| limit.min(left.mul_f32(0.95)))
}

/// The settings of a connection for transactions of `limit`.
pub(crate) fn time_limits(limit: Duration) -> String {
    let limit = before(limit).as_millis();
    format!(
        "SET statement_timeout = {limit}; SET lock_timeout = {limit}; \
         SET idle_in_transaction_session_timeout = {limit}; SET application_name = 'comanda';"
    )
}
