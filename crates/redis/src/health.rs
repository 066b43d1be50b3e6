use std::time::Duration;

use async_trait::async_trait;
use comanda_domain::ports::{ComponentHealth, Unavailable};

use crate::RedisConnections;

/// Written by each check; nobody reads it.
const KEY: &str = "health";

/// How long it is kept.
const KEPT_MS: u32 = 5_000;

/// Checks whether Redis can be written to within a second: one that is a replica by now, is full, or cannot save what
/// it is told, responds to everything else.
pub struct RedisHealth {
    connections: RedisConnections,
}

impl RedisHealth {
    pub fn new(connections: RedisConnections) -> Self {
        Self { connections }
    }
}

#[async_trait]
impl ComponentHealth for RedisHealth {
    async fn check(&self) -> Result<(), Unavailable> {
        let round_trip = async {
            let mut connection = self.connections.take().await?;
            let mut set = redis::cmd("SET");
            set.arg(KEY).arg(1).arg("PX").arg(KEPT_MS);
            set.query_async::<()>(&mut *connection).await.map_err(Unavailable::new)
        };
        tokio::time::timeout(Duration::from_secs(1), round_trip).await.map_err(Unavailable::new)?
    }
}

#[cfg(test)]
mod tests {
    use comanda_tests::TestRedis;

    use super::*;
    use crate::RedisUrl;

    #[tokio::test]
    async fn a_redis_that_takes_no_writes_is_unwell() {
        let server = TestRedis::start().await;
        let url: RedisUrl = server.url().parse().unwrap();
        let connections = RedisConnections::new(&url, None, 1, Duration::from_secs(1)).unwrap();
        let health = RedisHealth::new(connections.clone());
        let mut other = connections.client().unwrap().get_multiplexed_async_connection().await.unwrap();
        let mut tell = async |command: &str| {
            let mut words = command.split(' ');
            let mut command = redis::cmd(words.next().unwrap());
            command.arg(words.collect::<Vec<_>>()).query_async::<()>(&mut other).await.unwrap();
        };
        health.check().await.unwrap();
        for (breaks, repairs, error) in [
            ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", "read only replica"),
            ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0", "maxmemory"),
        ] {
            tell(breaks).await;
            let unwell = health.check().await.unwrap_err().to_string();
            assert!(unwell.contains(error), "{unwell}");
            tell(repairs).await;
            health.check().await.unwrap();
        }
    }
}
