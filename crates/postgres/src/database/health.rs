use std::time::Duration;

use async_trait::async_trait;
use comanda_domain::ports::{ComponentHealth, Unavailable};
use diesel::{dsl::sql, sql_types::Text};
use diesel_async::RunQueryDsl;
use thiserror::Error;

use super::{Database, fitness::distrust, named::Named};

/// Checks within a second that `PostgreSQL` answers, and that orders can be written to it.
pub struct PostgresHealth {
    database: Database,
}

/// The database cannot be written to.
#[derive(Debug, Error)]
#[error("PostgreSQL at {0} is read-only")]
struct ReadOnly(String);

impl PostgresHealth {
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    async fn ensure_writable(&self) -> Result<(), Unavailable> {
        // What is wrong with a session need not be wrong with one that is opened now.
        for _ in 0..2 {
            let mut connection = self.database.connection().await?;
            let read_only = diesel::select(sql::<Text>("pg_catalog.current_setting('transaction_read_only')"));
            let read_only: String =
                read_only.get_result(&mut connection).one("health.look").await.map_err(Unavailable::new)?;
            if read_only != "on" {
                return Ok(());
            }
            distrust(&mut connection);
        }
        Err(Unavailable::new(ReadOnly(self.database.addresses().to_owned())))
    }
}

#[async_trait]
impl ComponentHealth for PostgresHealth {
    async fn check(&self) -> Result<(), Unavailable> {
        self.database.ensure_orders_are_written()?;
        let checked = tokio::time::timeout(Duration::from_secs(1), self.ensure_writable()).await;
        checked.unwrap_or_else(|_| Err(self.database.no_connection()))
    }
}
