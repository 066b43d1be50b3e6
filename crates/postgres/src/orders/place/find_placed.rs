//! Looking up what was placed under keys, before an order is queued: one statement for all keys that are asked for at
//! the same time, as with single orders.
//!
//! A repetition that is found takes no place in the queue or a batch, and waits for no row. Whoever is not found in time
//! is queued, and found by the batch: no flood of reads stops orders.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use comanda_domain::{
    Idempotency, IdempotencyKey, OrderId, OrderWithLines, Timestamp,
    ports::{Readable, Unavailable},
};
use diesel_async::RunQueryDsl;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{statements::FindKeys, transaction::KnownKey};
use crate::{Database, database::NamedRows, idempotency::fingerprint_of, orders::load::as_placed};

/// The most keys in one statement.
const BATCH: usize = 200;

/// How long an order may wait for the lookup. It takes a fraction of this unless the database has too much to do.
const PATIENCE: Duration = Duration::from_millis(250);

type Found = Result<Option<OrderWithLines>, Arc<Unavailable>>;

struct Lookup {
    request: Idempotency,
    at: Timestamp,
    response: oneshot::Sender<Found>,
}

pub(in crate::orders) struct PlacedLookups {
    database: Database,
    /// Lookups that no statement has taken yet. Whoever adds the first one also starts the statement.
    pending: Arc<Mutex<Vec<Lookup>>>,
}

impl PlacedLookups {
    pub(in crate::orders) fn new(database: Database) -> Self {
        Self { database, pending: Arc::default() }
    }

    pub(in crate::orders) async fn find(
        &self,
        request: &Idempotency,
        at: Timestamp,
    ) -> Result<Option<OrderWithLines>, Unavailable> {
        let (response, found) = oneshot::channel();
        let is_first = {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            pending.push(Lookup { request: request.clone(), at, response });
            pending.len() == 1
        };
        if is_first {
            self.database.runtime().spawn(look_up(Arc::clone(&self.pending), self.database.clone()));
        }
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(found) => found.map_err(Unavailable::new)?.map_err(Unavailable::new),
            Err(_) => Ok(None),
        }
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
    let found = load(&lookups, &database).await.map_err(Arc::new);
    for (position, Lookup { response, .. }) in lookups.into_iter().enumerate() {
        let of_request = found.as_ref().map_err(Arc::clone).and_then(|found| {
            found.get(&position).cloned().transpose().map_err(|record| Arc::new(Unavailable::from(record)))
        });
        // A client that hung up, or an order that was queued in the meantime, needs no response.
        let _ = response.send(of_request);
    }
}

/// The orders by the positions of their lookups.
async fn load(
    lookups: &[Lookup],
    database: &Database,
) -> Result<HashMap<usize, Readable<OrderWithLines>>, Unavailable> {
    let callers: Vec<Uuid> = lookups.iter().map(|lookup| lookup.request.caller.as_uuid()).collect();
    let keys: Vec<&str> = lookups.iter().map(|lookup| lookup.request.key.as_str()).collect();
    let forgotten_before: Vec<DateTime<Utc>> =
        lookups.iter().map(|lookup| IdempotencyKey::forgotten_before(lookup.at)).collect();
    let connection = database.read_connection().await?;
    let mut asked = &*connection;
    let known: Vec<KnownKey> = FindKeys { callers: &callers, keys: &keys, forgotten_before: &forgotten_before }
        .load::<KnownKey>(&mut asked)
        .rows("order.find_placed")
        .await
        .map_err(Unavailable::new)?;
    let known: HashMap<(Uuid, &str), (Uuid, Option<Uuid>)> = known
        .iter()
        .filter_map(|(caller, key, order, fingerprint, is_remembered, _)| {
            is_remembered.then_some(((*caller, key.as_str()), ((*order)?, *fingerprint)))
        })
        .collect();
    let placed: Vec<(usize, OrderId)> = lookups
        .iter()
        .enumerate()
        .filter_map(|(position, Lookup { request, .. })| {
            let (order, fingerprint) = known.get(&(request.caller.as_uuid(), request.key.as_str()))?;
            (*fingerprint == Some(fingerprint_of(request))).then_some((position, OrderId::new(*order)))
        })
        .collect();
    let ids: Vec<OrderId> = placed.iter().map(|(_, id)| *id).collect();
    let orders = as_placed(&connection, database.currency(), &ids).await?;
    Ok(placed.into_iter().filter_map(|(position, id)| Some((position, orders.get(&id)?.clone()))).collect())
}
