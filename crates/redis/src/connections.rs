use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use bb8_redis::{
    RedisConnectionManager,
    bb8::{ManageConnection, Pool},
};
use comanda_domain::ports::Unavailable;
use comanda_tls::{Authorities, refusal};
use redis::{
    Client, Cmd, Pipeline, RedisError, RedisFuture, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};

use crate::redis_url::{InvalidRedisUrl, RedisUrl};

/// A pool of connections. A server starts even if it cannot reach Redis.
#[derive(Clone)]
pub struct RedisConnections {
    pub(crate) pool: Pool<TrustingManager>,
    /// Opens connections for purposes that need one of their own.
    pub(crate) client: Client,
}

impl RedisConnections {
    /// Creates the pool, which connects when it is first used. Over TLS, the server's certificate must come from one of
    /// the `authorities`; without any given, from one that this system trusts. `wait` is how long a caller waits for a
    /// connection.
    pub fn new(
        url: &RedisUrl,
        authorities: Option<&Authorities>,
        max_connections: u32,
        wait: Duration,
    ) -> Result<Self, InvalidRedisUrl> {
        let client = url.client(authorities)?;
        let manager = TrustingManager {
            inner: RedisConnectionManager::new(client.get_connection_info().clone())?,
            refused: AtomicBool::new(false),
        };
        let pool = Pool::builder().max_size(max_connections).connection_timeout(wait).build_unchecked(manager);
        Ok(Self { pool, client })
    }

    /// How many connections there are, and how many of them nobody uses.
    pub fn counts(&self) -> (u32, u32) {
        let state = self.pool.state();
        (state.connections, state.idle_connections)
    }

    /// Whether Redis can be reached, and if not, why: the pool itself knows only that it waited in vain.
    pub async fn probe(&self, wait: Duration) -> Result<(), Unavailable> {
        let connect = self.client.get_multiplexed_async_connection();
        tokio::time::timeout(wait, connect).await.map_err(Unavailable::new)?.map(drop).map_err(Unavailable::new)
    }
}

/// Trusts a connection that has responded recently. bb8-redis's own manager pings Redis each time a connection is taken
/// from the pool; this one saves that round trip for every caller but the first after a pause.
pub(crate) struct TrustingManager {
    inner: RedisConnectionManager,
    /// Whether the latest attempt to connect was refused over TLS.
    refused: AtomicBool,
}

impl TrustingManager {
    const TRUSTED: Duration = Duration::from_secs(1);
}

impl ManageConnection for TrustingManager {
    type Connection = Connection;
    type Error = RedisError;

    async fn connect(&self) -> Result<Connection, RedisError> {
        let connected = self.inner.connect().await;
        // A server starts without Redis, and nobody else would see why it stays without.
        let reason = connected.as_ref().err().and_then(|error| refusal(error));
        let was_refused = self.refused.swap(reason.is_some(), Ordering::Relaxed);
        if let Some(reason) = reason.filter(|_| !was_refused) {
            tracing::error!(reason, "Redis was refused");
        }
        Ok(Connection { to_redis: connected?, responded_at: Instant::now(), broken: false })
    }

    async fn is_valid(&self, connection: &mut Connection) -> Result<(), RedisError> {
        if connection.responded_at.elapsed() > Self::TRUSTED {
            self.inner.is_valid(&mut connection.to_redis).await?;
            connection.responded_at = Instant::now();
        }
        Ok(())
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.broken
    }
}

/// A connection that knows when it last responded, and whether it is broken.
pub(crate) struct Connection {
    to_redis: MultiplexedConnection,
    responded_at: Instant,
    broken: bool,
}

impl Connection {
    fn note<T>(&mut self, response: &Result<T, RedisError>) {
        match response {
            // Any other error is a response too: the command was wrong, but the connection works.
            Err(error) if error.is_io_error() || error.is_timeout() || error.is_unrecoverable_error() => {
                self.broken = true;
            }
            _ => self.responded_at = Instant::now(),
        }
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let response = self.to_redis.req_packed_command(command).await;
            self.note(&response);
            response
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let response = self.to_redis.req_packed_commands(pipeline, offset, count).await;
            self.note(&response);
            response
        })
    }

    fn get_db(&self) -> i64 {
        self.to_redis.get_db()
    }
}
