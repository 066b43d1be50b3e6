use std::time::Duration;

use bb8_redis::{RedisConnectionManager, bb8::Pool};
use redis::Client;
use thiserror::Error;

/// The URL does not name a Redis server. The URL itself is left out: it may hold a password.
#[derive(Debug, Error)]
#[error("REDIS_URL is not a redis:// URL: {0}")]
pub struct InvalidRedisUrl(String);

/// A pool of connections. A server that cannot reach Redis starts all the same.
#[derive(Clone)]
pub struct RedisConnections {
    pub(crate) pool: Pool<RedisConnectionManager>,
    /// For what must have a connection of its own.
    pub(crate) client: Client,
}

impl RedisConnections {
    /// Makes the pool; connects when first used. `wait` is how long a caller waits for a connection.
    pub fn new(url: &str, max_connections: u32, wait: Duration) -> Result<Self, InvalidRedisUrl> {
        let invalid = |error: redis::RedisError| InvalidRedisUrl(error.category().to_owned());
        let manager = RedisConnectionManager::new(url).map_err(invalid)?;
        let client = Client::open(url).map_err(invalid)?;
        let pool = Pool::builder().max_size(max_connections).connection_timeout(wait).build_unchecked(manager);
        Ok(Self { pool, client })
    }
}
