use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bb8_redis::bb8::{ManageConnection, Pool, PooledConnection};
use comanda_domain::ports::Unavailable;
use comanda_tls::{Authorities, Reachability, reason};
use redis::{
    Client, Cmd, Pipeline, RedisError, RedisFuture, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};

use crate::redis_url::{InvalidRedisUrl, Opener, RedisUrl};

/// A pool of connections. A server starts even if it cannot reach Redis.
#[derive(Clone)]
pub struct RedisConnections {
    pub(crate) pool: Pool<TrustingManager>,
    reachability: Arc<Reachability>,
    opener: Opener,
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
        let opener = url.opener(authorities)?;
        let reachability = Arc::new(Reachability::of("Redis"));
        let manager =
            TrustingManager { opener: opener.clone(), address: url.address(), reachability: Arc::clone(&reachability) };
        let pool = Pool::builder().max_size(max_connections).connection_timeout(wait).build_unchecked(manager);
        Ok(Self { pool, reachability, opener })
    }

    /// A connection, or why there is none.
    pub(crate) async fn take(&self) -> Result<PooledConnection<'_, TrustingManager>, Unavailable> {
        // The pool itself knows only that it waited in vain.
        self.pool.get().await.map_err(|error| match self.reachability.failure() {
            Some(cause) => Unavailable::new(cause),
            None => Unavailable::new(error),
        })
    }

    /// What opens a connection for a purpose that needs one of its own.
    pub(crate) fn client(&self) -> Result<Client, RedisError> {
        self.opener.client()
    }

    /// Looks at the file that says whom to sign in as, if one does.
    pub fn look_again(&self) {
        self.opener.look_again();
    }

    /// New connections trust from now on these authorities; without any given, those that this system trusts.
    pub fn trust(&self, authorities: Option<&Authorities>) -> Result<(), InvalidRedisUrl> {
        self.opener.trust(authorities)
    }

    /// The number of the database.
    pub(crate) fn number(&self) -> i64 {
        self.opener.number()
    }

    /// How many connections there are, and how many of them nobody uses.
    pub fn counts(&self) -> (u32, u32) {
        let state = self.pool.state();
        (state.connections, state.idle_connections)
    }

    /// Whether Redis can be reached, and if not, why: the pool itself knows only that it waited in vain.
    pub async fn probe(&self, wait: Duration) -> Result<(), Unavailable> {
        let client = self.client().map_err(Unavailable::new)?;
        let connect = client.get_multiplexed_async_connection();
        tokio::time::timeout(wait, connect).await.map_err(Unavailable::new)?.map(drop).map_err(Unavailable::new)
    }
}

/// Trusts a connection that has responded recently. bb8-redis's own manager pings Redis each time a connection is taken
/// from the pool; this one saves that round trip for every caller but the first after a pause. Nor does that one sign
/// in with another password than the first.
pub(crate) struct TrustingManager {
    opener: Opener,
    /// The host and the port.
    address: String,
    reachability: Arc<Reachability>,
}

impl TrustingManager {
    const TRUSTED: Duration = Duration::from_secs(1);
}

impl ManageConnection for TrustingManager {
    type Connection = Connection;
    type Error = RedisError;

    async fn connect(&self) -> Result<Connection, RedisError> {
        let connected = match self.opener.client() {
            Ok(client) => client.get_multiplexed_async_connection().await,
            Err(error) => Err(error),
        };
        // A server starts without Redis, and nobody else would see why it stays without.
        match &connected {
            Ok(_) => self.reachability.succeeded(),
            Err(error) => {
                let cause = format!("cannot connect to Redis at {}: {}", self.address, reason(error));
                self.reachability.failed(&cause);
            }
        }
        Ok(Connection { to_redis: connected?, responded_at: Instant::now(), broken: false })
    }

    async fn is_valid(&self, connection: &mut Connection) -> Result<(), RedisError> {
        if connection.responded_at.elapsed() > Self::TRUSTED {
            redis::cmd("PING").exec_async(&mut connection.to_redis).await?;
            connection.responded_at = Instant::now();
        }
        Ok(())
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.broken
    }
}

/// Whether a response says that the connection is of no use any more although it works: its server is no primary, or
/// asks for a password that has come into force. A new one may lead to another server, and signs in.
fn makes_unfit(response: &Value) -> bool {
    const CODES: [&str; 4] = ["READONLY", "NOAUTH", "WRONGPASS", "MASTERDOWN"];
    match response {
        // Of a script, older versions report the error in the details.
        Value::ServerError(error) => {
            let details = error.details().unwrap_or_default();
            CODES.iter().any(|code| error.code() == *code || details.contains(code))
        }
        Value::Array(responses) => responses.iter().any(makes_unfit),
        _ => false,
    }
}

/// A connection that knows when it last responded, and whether it is broken.
pub(crate) struct Connection {
    to_redis: MultiplexedConnection,
    responded_at: Instant,
    broken: bool,
}

impl Connection {
    fn note(&mut self, makes_unfit: Result<bool, &RedisError>) {
        match makes_unfit {
            Ok(true) => self.broken = true,
            Err(error) if error.is_io_error() || error.is_timeout() || error.is_unrecoverable_error() => {
                self.broken = true;
            }
            // Any other error is a response too: the command was wrong, but the connection works.
            _ => self.responded_at = Instant::now(),
        }
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let response = self.to_redis.req_packed_command(command).await;
            self.note(response.as_ref().map(makes_unfit));
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
            self.note(response.as_ref().map(|responses| responses.iter().any(makes_unfit)));
            response
        })
    }

    fn get_db(&self) -> i64 {
        self.to_redis.get_db()
    }
}

#[cfg(test)]
mod tests {
    use comanda_tests::TestRedis;

    use super::*;

    #[test]
    fn responses_that_make_a_connection_unfit_are_told_from_others() {
        for (response, expected) in [
            ("-READONLY You can't write against a read only replica.\r\n", true),
            ("-ERR Error running script: -READONLY You can't write against a read only replica.\r\n", true),
            ("*2\r\n+OK\r\n-NOAUTH Authentication required.\r\n", true),
            ("-OOM command not allowed when used memory > 'maxmemory'.\r\n", false),
            ("-NOSCRIPT No matching script.\r\n", false),
            ("+READONLY\r\n", false),
        ] {
            let value = redis::parse_redis_value(response.as_bytes()).unwrap();
            assert_eq!(makes_unfit(&value), expected, "{response}");
        }
    }

    #[tokio::test]
    async fn a_connection_to_a_demoted_server_is_replaced() {
        let server = TestRedis::start().await;
        let url: RedisUrl = server.url().parse().unwrap();
        let connections = RedisConnections::new(&url, None, 1, Duration::from_secs(5)).unwrap();
        let id = async |write: bool| {
            let mut connection = connections.take().await.unwrap();
            let id: u64 = redis::cmd("CLIENT").arg("ID").query_async(&mut *connection).await.unwrap();
            let set = redis::cmd("SET").arg("k").arg(1).query_async::<()>(&mut *connection).await;
            assert_eq!(set.is_ok(), write);
            id
        };
        let first = id(true).await;
        assert_eq!(id(true).await, first);
        let mut other = connections.client().unwrap().get_multiplexed_async_connection().await.unwrap();
        let () = redis::cmd("REPLICAOF").arg("127.0.0.1").arg(1).query_async(&mut other).await.unwrap();
        assert_eq!(id(false).await, first);
        let () = redis::cmd("REPLICAOF").arg("NO").arg("ONE").query_async(&mut other).await.unwrap();
        assert_ne!(id(true).await, first);
    }

    #[tokio::test]
    async fn why_there_is_no_connection_is_said_with_host_and_port() {
        let url: RedisUrl = "redis://:hunter2@127.0.0.1:1".parse().unwrap();
        let connections = RedisConnections::new(&url, None, 1, Duration::from_millis(300)).unwrap();
        let error = connections.take().await.map(drop).unwrap_err().to_string();
        assert!(error.contains("cannot connect to Redis at 127.0.0.1:1: Connection refused"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
