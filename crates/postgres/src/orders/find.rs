//! Looking up single orders: one statement for all orders that are asked for at the same time.
//!
//! This is Facebook's `DataLoader` for one relation (<https://github.com/graphql/dataloader>). Requests that ask within
//! one turn of the runtime share a statement, and nobody waits for others to come. Batches do not wait for one another.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use comanda_domain::{
    OrderId, OrderWithLines,
    ports::{Readable, Unavailable},
};
use tokio::sync::oneshot;

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
    database: Database,
    /// Lookups that no statement has taken yet. Whoever adds the first one also starts the statement.
    pending: Arc<Mutex<Vec<Lookup>>>,
}

impl Lookups {
    pub(super) fn new(database: Database) -> Self {
        Self { database, pending: Arc::default() }
    }

    pub(super) async fn find(&self, id: OrderId) -> Result<Option<OrderWithLines>, Unavailable> {
        let (response, found) = oneshot::channel();
        let is_first = {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            pending.push(Lookup { id, response });
            pending.len() == 1
        };
        if is_first {
            self.database.runtime().spawn(look_up(Arc::clone(&self.pending), self.database.clone()));
        }
        found.await.map_err(Unavailable::new)?.map_err(Unavailable::new)
    }
}

async fn look_up(pending: Arc<Mutex<Vec<Lookup>>>, database: Database) {
    // Lets every other task that is ready ask as well.
    tokio::task::yield_now().await;
    let mut lookups = std::mem::take(&mut *pending.lock().unwrap_or_else(PoisonError::into_inner));
    while !lookups.is_empty() {
        let rest = lookups.split_off(lookups.len().min(BATCH));
        database.runtime().spawn(respond(lookups, database.clone()));
        lookups = rest;
    }
}

async fn respond(lookups: Vec<Lookup>, database: Database) {
    let ids: HashSet<OrderId> = lookups.iter().map(|lookup| lookup.id).collect();
    let ids: Vec<OrderId> = ids.into_iter().collect();
    let found = async {
        let connection = database.read_connection().await?;
        load(&connection, database.currency(), &ids).await
    };
    let found: Result<HashMap<OrderId, Readable<OrderWithLines>>, Arc<Unavailable>> = found.await.map_err(Arc::new);
    for Lookup { id, response } in lookups {
        let of_order = found.as_ref().map_err(Arc::clone).and_then(|found| {
            found.get(&id).cloned().transpose().map_err(|record| Arc::new(Unavailable::from(record)))
        });
        // A client that hung up needs no response.
        let _ = response.send(of_order);
    }
}
