use std::time::{Duration, Instant};

use bb8_redis::{
    RedisConnectionManager,
    bb8::{ManageConnection, Pool},
};
use redis::{
    Client, Cmd, Pipeline, RedisError, RedisFuture, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};
use thiserror::Error;

/// The URL does not name a Redis server. The URL itself is left out: it may hold a password.
#[derive(Debug, Error)]
#[error("REDIS_URL is not a redis:// URL: {0}")]
pub struct InvalidRedisUrl(String);

/// A pool of connections. A server that cannot reach Redis starts all the same.
#[derive(Clone)]
pub struct RedisConnections {
    pub(crate) pool: Pool<TrustingManager>,
    /// For what must have a connection of its own.
    pub(crate) client: Client,
}

impl RedisConnections {
    /// Makes the pool; connects when first used. `wait` is how long a caller waits for a connection.
    pub fn new(url: &str, max_connections: u32, wait: Duration) -> Result<Self, InvalidRedisUrl> {
        let invalid = |error: RedisError| InvalidRedisUrl(error.category().to_owned());
        let manager = TrustingManager(RedisConnectionManager::new(url).map_err(invalid)?);
        let client = Client::open(url).map_err(invalid)?;
        let pool = Pool::builder().max_size(max_connections).connection_timeout(wait).build_unchecked(manager);
        Ok(Self { pool, client })
    }
}

/// bb8-redis's manager, which asks Redis each time a connection is taken; this one trusts a connection that has just answered,
/// which saves every caller but the first after a pause a round trip.
pub(crate) struct TrustingManager(RedisConnectionManager);

impl TrustingManager {
    const TRUSTED: Duration = Duration::from_secs(1);
}

impl ManageConnection for TrustingManager {
    type Connection = Connection;
    type Error = RedisError;

    async fn connect(&self) -> Result<Connection, RedisError> {
        Ok(Connection { to_redis: self.0.connect().await?, answered_at: Instant::now(), broken: false })
    }

    async fn is_valid(&self, connection: &mut Connection) -> Result<(), RedisError> {
        if connection.answered_at.elapsed() > Self::TRUSTED {
            self.0.is_valid(&mut connection.to_redis).await?;
            connection.answered_at = Instant::now();
        }
        Ok(())
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.broken
    }
}

/// A connection that knows how it fares.
pub(crate) struct Connection {
    to_redis: MultiplexedConnection,
    answered_at: Instant,
    broken: bool,
}

impl Connection {
    fn note<T>(&mut self, answer: &Result<T, RedisError>) {
        match answer {
            // What it was asked may be wrong; that it answered is what counts.
            Err(error) if error.is_io_error() || error.is_timeout() || error.is_unrecoverable_error() => {
                self.broken = true;
            }
            _ => self.answered_at = Instant::now(),
        }
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let answer = self.to_redis.req_packed_command(command).await;
            self.note(&answer);
            answer
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let answer = self.to_redis.req_packed_commands(pipeline, offset, count).await;
            self.note(&answer);
            answer
        })
    }

    fn get_db(&self) -> i64 {
        self.to_redis.get_db()
    }
}
