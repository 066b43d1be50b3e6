use std::time::Duration;

use async_trait::async_trait;
use comanda_domain::ports::{ComponentHealth, Unavailable};
use diesel_async::SimpleAsyncConnection;

use super::Database;

/// Checks that `PostgreSQL` answers within a second.
pub struct PostgresHealth {
    database: Database,
}

impl PostgresHealth {
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl ComponentHealth for PostgresHealth {
    async fn check(&self) -> Result<(), Unavailable> {
        let round_trip = async {
            let mut connection = self.database.connection().await?;
            connection.batch_execute("SELECT 1").await.map_err(Unavailable::new)
        };
        tokio::time::timeout(Duration::from_secs(1), round_trip).await.map_err(Unavailable::new)?
    }
}
