//! Reading the outbox for whoever watches orders.

mod after;
mod here;
mod open;

use async_trait::async_trait;
use comanda_domain::{
    OrderId, OrderScope, OrderWithLines, StreamPosition,
    ports::{LiveUpdates, Opening, Unavailable, Updates, Watched},
};

use crate::{Database, database::spawn_transaction};

/// Updates in the tables `outbox_events` and `orders`.
#[derive(Clone)]
pub struct PostgresLiveUpdates {
    database: Database,
}

impl PostgresLiveUpdates {
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl LiveUpdates for PostgresLiveUpdates {
    async fn open_order(
        &self,
        id: OrderId,
        scope: OrderScope,
        from: Option<StreamPosition>,
    ) -> Result<Option<Opening<OrderWithLines>>, Unavailable> {
        let database = self.database.clone();
        spawn_transaction(&self.database, async move { open::open_order(&database, id, scope, from).await }).await
    }

    async fn after(&self, from: StreamPosition, watched: Watched, limit: u32) -> Result<Updates, Unavailable> {
        let database = self.database.clone();
        spawn_transaction(&self.database, async move { after::after(&database, from, watched, limit).await }).await
    }
}
