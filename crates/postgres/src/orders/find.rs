//! Looking up single orders, those that are asked for at the same time by one statement.
//!
//! Facebook's `DataLoader`, for one relation (<https://github.com/graphql/dataloader>): who asks within one turn of the runtime is
//! answered together, and nobody waits for others to come. Batches do not wait for one another.

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

struct Asked {
    id: OrderId,
    answer: oneshot::Sender<Found>,
}

pub(super) struct Lookups {
    sender: mpsc::UnboundedSender<Asked>,
}

impl Lookups {
    /// Within a tokio runtime; ends with `self`.
    pub(super) fn start(database: Database) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        database.runtime().clone().spawn(collect(receiver, database));
        Self { sender }
    }

    pub(super) async fn find(&self, id: OrderId) -> Result<Option<OrderWithLines>, Unavailable> {
        let (answer, found) = oneshot::channel();
        self.sender.send(Asked { id, answer }).map_err(|_| Unavailable::new("nobody looks up orders any more"))?;
        found.await.map_err(Unavailable::new)?.map_err(Unavailable::new)
    }
}

async fn collect(mut receiver: mpsc::UnboundedReceiver<Asked>, database: Database) {
    let mut asked = Vec::new();
    while receiver.recv_many(&mut asked, BATCH).await > 0 {
        // The turn of everybody who is ready to ask as well.
        tokio::task::yield_now().await;
        while asked.len() < BATCH {
            let Ok(another) = receiver.try_recv() else { break };
            asked.push(another);
        }
        database.runtime().spawn(answer(std::mem::take(&mut asked), database.clone()));
    }
}

async fn answer(asked: Vec<Asked>, database: Database) {
    let ids: HashSet<OrderId> = asked.iter().map(|asked| asked.id).collect();
    let ids: Vec<OrderId> = ids.into_iter().collect();
    let found = async {
        let connection = database.read_connection().await?;
        load(&connection, database.currency(), &ids).await
    };
    let found: Result<HashMap<OrderId, OrderWithLines>, Arc<Unavailable>> = found.await.map_err(Arc::new);
    for Asked { id, answer } in asked {
        // Who hung up needs no answer.
        let _ = answer.send(found.as_ref().map(|found| found.get(&id).cloned()).map_err(Arc::clone));
    }
}
