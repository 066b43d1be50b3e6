//! Reading the outbox for whoever watches orders and tickets.

mod after;
mod here;
mod known;
mod open_kitchen;
mod open_order;

use async_trait::async_trait;
use comanda_domain::{
    OrderId, OrderScope, OrderWithLines, StationId, StreamPosition, Ticket, Timestamp,
    ports::{LiveUpdates, Opening, Unavailable, Updates, Watched},
};

use crate::{Database, database::spawn_transaction};

/// Updates in the tables `outbox_events`, `orders` and `kitchen_tickets`.
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
        spawn_transaction(&self.database, async move { open_order::open_order(&database, id, scope, from).await }).await
    }

    async fn open_kitchen(
        &self,
        station: Option<StationId>,
        ready_since: Timestamp,
        from: Option<StreamPosition>,
    ) -> Result<Option<Opening<Vec<Ticket>>>, Unavailable> {
        let database = self.database.clone();
        let opening = async move { open_kitchen::open_kitchen(&database, station, ready_since, from).await };
        spawn_transaction(&self.database, opening).await
    }

    async fn after(&self, from: StreamPosition, watched: Watched, limit: u32) -> Result<Updates, Unavailable> {
        let database = self.database.clone();
        spawn_transaction(&self.database, async move { after::after(&database, from, watched, limit).await }).await
    }
}
