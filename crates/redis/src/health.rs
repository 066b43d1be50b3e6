use std::time::Duration;

use async_trait::async_trait;
use comanda_domain::ports::{ComponentHealth, Unavailable};

use crate::RedisConnections;

/// Checks whether Redis responds within a second.
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
            redis::cmd("PING").query_async::<()>(&mut *connection).await.map_err(Unavailable::new)
        };
        tokio::time::timeout(Duration::from_secs(1), round_trip).await.map_err(Unavailable::new)?
    }
}
