//! A pool of connections for one purpose.

use std::{
    ops::{Deref, DerefMut},
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
use tokio::sync::{Semaphore, SemaphorePermit};

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
    /// As many as there may be connections, for whoever has waited longest: the pool itself lets anybody who comes at
    /// the right moment overtake all who wait, so that one of them may wait in vain while others come and go. Those who
    /// have a place still do so while it opens connections.
    places: Arc<Semaphore>,
    wait: Duration,
}

/// A connection, until it is dropped.
pub(crate) struct Taken<'a> {
    // Dropped in this order: the connection is back before somebody else gets the place.
    connection: PooledConnection<'a, AsyncPgConnection>,
    _place: SemaphorePermit<'a>,
}

impl Deref for Taken<'_> {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.connection
    }
}

impl DerefMut for Taken<'_> {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.connection
    }
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
        // A wait as long as the work may take would leave no time for the response.
        let wait = wait.min(usual);
        let pool = Pool::builder()
            .max_size(size)
            .connection_timeout(wait)
            .build_unchecked(AsyncDieselConnectionManager::new_with_config(String::new(), manager));
        let places = Arc::new(Semaphore::new(size as usize));
        Self { name, url: url.clone(), pool, size, places, wait }
    }

    pub(crate) fn measure(&self) {
        pool_metrics::measure(self.name, &self.pool, self.size);
    }

    /// A connection. Waits no longer than the request has time left.
    pub(crate) async fn take(&self) -> Result<Taken<'_>, Unavailable> {
        let begin = Instant::now();
        let waiting = pool_metrics::Waiting::begin(self.name);
        let timeout = comanda_deadline::left().map_or(self.wait, |left| before(left).min(self.wait));
        let taken = tokio::time::timeout(timeout, async {
            // Nobody closes the semaphore.
            let place = self.places.acquire().await.map_err(|_| RunError::TimedOut)?;
            Ok(Taken { connection: self.pool.get().await?, _place: place })
        });
        let taken = taken.await;
        drop(waiting);
        pool_metrics::waited(self.name, begin.elapsed());
        taken.unwrap_or(Err(RunError::TimedOut)).map_err(|error| self.failed(error))
    }

    /// A connection for a look at the database, before all who wait: the question is whether it works, and not how much
    /// there is to do.
    pub(crate) async fn overtake(&self) -> Result<PooledConnection<'_, AsyncPgConnection>, Unavailable> {
        self.pool.get().await.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: RunError) -> Unavailable {
        match error {
            RunError::User(error) if !self.is_exhausted() => Unavailable::new(error),
            RunError::User(_) | RunError::TimedOut => self.no_connection(),
        }
    }

    /// Why there is no connection in time.
    pub(crate) fn no_connection(&self) -> Unavailable {
        if self.is_exhausted() { Unavailable::overloaded(Exhausted(self.name)) } else { self.url.no_connection() }
    }

    fn is_exhausted(&self) -> bool {
        let state = self.pool.state();
        // One that was just given back belongs to whoever has waited longest.
        let is_none_free = state.idle_connections == 0 || self.places.available_permits() == 0;
        state.connections == self.size && is_none_free
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

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use comanda_tests::TestDatabase;

    use super::*;

    #[tokio::test]
    async fn nobody_who_waits_for_a_connection_is_overtaken() {
        let database = TestDatabase::migrated().await;
        let (url, long) = (database.url.parse().unwrap(), Duration::from_mins(1));
        let slow_statements = SlowStatements::longer_than(long);
        let connections = Connections::to(&url, ("tests", true), 1, long, long, &slow_statements);
        let taken = connections.take().await.unwrap();
        let mut waiting = pin!(connections.take());
        assert!(futures_util::poll!(&mut waiting).is_pending(), "there is only one");
        drop(taken);
        assert!(connections.take().now_or_never().is_none(), "somebody else has waited for it");
        let taken = waiting.await.unwrap();

        let mut next = pin!(connections.take());
        {
            let mut gives_up = pin!(connections.take());
            assert!(futures_util::poll!(&mut gives_up).is_pending());
            assert!(futures_util::poll!(&mut next).is_pending());
            assert!(connections.overtake().now_or_never().is_none());
            drop(taken);
            assert!(connections.overtake().now_or_never().is_some(), "a look need not wait for others");
        }
        drop(next.now_or_never().expect("whoever gives up passes it on").unwrap());
        assert!(connections.take().now_or_never().is_some());
    }
}
