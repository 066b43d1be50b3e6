//! Looking up single orders: one statement for all orders that are asked for at the same time.
//!
//! This is Facebook's `DataLoader` for one relation (<https://github.com/graphql/dataloader>). Requests that ask within
//! one turn of the runtime share a statement, and nobody waits for others to come. Batches do not wait for one another.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use comanda_domain::{ids::OrderId, order::OrderWithLines, ports::Unavailable};
use tokio::sync::{mpsc, oneshot};

use super::load::load;
use crate::Database;

/// The most orders in one statement.
const BATCH: usize = 200;

type Found = Result<Option<OrderWithLines>, Arc<Unavailable>>;

struct Lookup {
    id: OrderId,
    response: oneshot::Sender<Found>,
}

pub(super) struct Lookups {
    sender: mpsc::UnboundedSender<Lookup>,
}

impl Lookups {
    /// Runs on the database's runtime until `self` is dropped.
    pub(super) fn start(database: Database) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        database.runtime().clone().spawn(collect(receiver, database));
        Self { sender }
    }

    pub(super) async fn find(&self, id: OrderId) -> Result<Option<OrderWithLines>, Unavailable> {
        let (response, found) = oneshot::channel();
        self.sender.send(Lookup { id, response }).map_err(|_| Unavailable::new("the lookup of orders has ended"))?;
        found.await.map_err(Unavailable::new)?.map_err(Unavailable::new)
    }
}

async fn collect(mut receiver: mpsc::UnboundedReceiver<Lookup>, database: Database) {
    let mut lookups = Vec::new();
    while receiver.recv_many(&mut lookups, BATCH).await > 0 {
        // Lets every other task that is ready ask as well.
        tokio::task::yield_now().await;
        while lookups.len() < BATCH {
            let Ok(another) = receiver.try_recv() else { break };
            lookups.push(another);
        }
        database.runtime().spawn(respond(std::mem::take(&mut lookups), database.clone()));
    }
}

async fn respond(lookups: Vec<Lookup>, database: Database) {
    let ids: HashSet<OrderId> = lookups.iter().map(|lookup| lookup.id).collect();
    let ids: Vec<OrderId> = ids.into_iter().collect();
    let found = async {
        let connection = database.read_connection().await?;
        load(&connection, database.currency(), &ids).await
    };
    let found: Result<HashMap<OrderId, OrderWithLines>, Arc<Unavailable>> = found.await.map_err(Arc::new);
    for Lookup { id, response } in lookups {
        // A client that hung up needs no response.
        let _ = response.send(found.as_ref().map(|found| found.get(&id).cloned()).map_err(Arc::clone));
    }
}
