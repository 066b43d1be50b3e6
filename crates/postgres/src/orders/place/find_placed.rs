//! Looking up what was placed under keys, before a request is refused without being decided, or while its turn does not
//! come: a repetition is no new attempt. Others do without, because their batch finds what was placed under their
//! keys.
//!
//! One statement at a time serves all keys that are asked for by then: no flood of refused requests takes more than one
//! connection for reads.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use comanda_domain::{
    Currency, Idempotency, IdempotencyKey, OrderId, OrderWithLines, Timestamp,
    ports::{Readable, Unavailable},
};
use comanda_task::Panic;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use tokio::{sync::oneshot, time::Instant};
use uuid::Uuid;

use super::{committer::LOCAL_SETTINGS, replays::KnownKey, statements::FindKeys};
use crate::{
    Database,
    database::{Failure, NamedRows, flush_what_was_read},
    idempotency::fingerprint_of,
    orders::load::as_placed,
};

/// The most keys in one statement.
const BATCH: usize = 200;

/// How long a refusal may wait for the lookup, and how long a lookup may take. It takes a fraction of this unless the
/// database has too much to do.
const PATIENCE: Duration = Duration::from_secs(1);

/// For how long nothing is looked up after a lookup has failed, so that refusals do not each find out by waiting.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a placement waits for its turn before its key is looked up. Nearly all have had theirs by then, and pay for
/// no lookup.
const LATE: Duration = Duration::from_millis(250);

type Found = Result<Option<OrderWithLines>, Arc<Unavailable>>;

struct Lookup {
    request: Idempotency,
    at: Timestamp,
    response: oneshot::Sender<Found>,
}

/// Lookups that no statement has taken yet.
#[derive(Default)]
struct Pending {
    lookups: Vec<Lookup>,
    /// Whether a task is taking them, statement by statement. Whoever finds none starts one.
    are_served: bool,
    /// Nothing is looked up before this moment.
    paused_until: Option<Instant>,
}

pub(in crate::orders) struct PlacedLookups {
    database: Database,
    pending: Arc<Mutex<Pending>>,
}

impl PlacedLookups {
    pub(in crate::orders) fn new(database: Database) -> Self {
        Self { database, pending: Arc::default() }
    }

    /// What a request that waits for its turn has placed before.
    pub(in crate::orders) async fn find_when_late(
        &self,
        request: &Idempotency,
        at: Timestamp,
    ) -> Option<OrderWithLines> {
        tokio::time::sleep(LATE).await;
        // If this fails, its turn comes all the same, and says what is wrong.
        self.find(request, at).await.ok().flatten()
    }

    pub(in crate::orders) async fn find(
        &self,
        request: &Idempotency,
        at: Timestamp,
    ) -> Result<Option<OrderWithLines>, Unavailable> {
        let (response, found) = oneshot::channel();
        let are_served = {
            let mut pending = locked(&self.pending);
            if pending.paused_until.is_some_and(|until| Instant::now() < until) {
                return Ok(None);
            }
            // Those that nobody waits for any more make room.
            pending.lookups.retain(|lookup| !lookup.response.is_closed());
            pending.lookups.push(Lookup { request: request.clone(), at, response });
            mem::replace(&mut pending.are_served, true)
        };
        if !are_served {
            self.database.runtime().spawn(look_up(Arc::clone(&self.pending), self.database.clone()));
        }
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(Ok(found)) => found.map_err(Unavailable::new),
            // It takes too long, or the runtime ends.
            Err(_) | Ok(Err(_)) => Ok(None),
        }
    }
}

fn locked(pending: &Mutex<Pending>) -> MutexGuard<'_, Pending> {
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn look_up(pending: Arc<Mutex<Pending>>, database: Database) {
    loop {
        // Lets every other task that is ready ask as well.
        tokio::task::yield_now().await;
        let lookups: Vec<Lookup> = {
            let mut pending = locked(&pending);
            pending.lookups.retain(|lookup| !lookup.response.is_closed());
            let next = pending.lookups.len().min(BATCH);
            pending.are_served = next > 0;
            pending.lookups.drain(..next).collect()
        };
        if lookups.is_empty() {
            return;
        }
        let found = tokio::time::timeout(PATIENCE, load(&lookups, &database));
        let found =
            comanda_task::caught(async { found.await.unwrap_or_else(|late| Err(Unavailable::new(late))) }).await;
        let failed = matches!(found, Ok(Err(_)));
        locked(&pending).paused_until = failed.then(|| Instant::now() + PAUSE);
        if let Ok(Err(error)) = &found {
            tracing::info!(%error, "what was placed under keys was not looked up");
        }
        respond(lookups, found.map(|found| found.map_err(Arc::new)));
    }
}

/// A panic is reported, and is no failure of the database: nothing was found.
fn respond(lookups: Vec<Lookup>, found: Result<Result<ByPosition, Arc<Unavailable>>, Panic>) {
    let found = found.unwrap_or_else(|panic| {
        // Reported as it is dropped.
        drop(panic);
        Ok(HashMap::new())
    });
    for (position, Lookup { response, .. }) in lookups.into_iter().enumerate() {
        let of_request = found.as_ref().map_err(Arc::clone).and_then(|found| {
            found.get(&position).cloned().transpose().map_err(|record| Arc::new(Unavailable::from(record)))
        });
        // A client that hung up, or was refused in the meantime, needs no response.
        let _ = response.send(of_request);
    }
}

/// The orders by the positions of their lookups.
type ByPosition = HashMap<usize, Readable<OrderWithLines>>;

/// In a transaction, whose settings keep the statements to indexes, as the committer's do.
async fn load(lookups: &[Lookup], database: &Database) -> Result<ByPosition, Unavailable> {
    let mut connection = database.read_connection().await?;
    let connection: &mut AsyncPgConnection = &mut connection;
    let found = connection.transaction(async |connection: &mut AsyncPgConnection| {
        connection.batch_execute(LOCAL_SETTINGS).await?;
        load_by_index(lookups, database.currency(), connection).await.map_err(Failure)
    });
    found.await.map_err(|failure: Failure<Unavailable>| failure.0)
}

async fn load_by_index(
    lookups: &[Lookup],
    currency: Currency,
    connection: &mut AsyncPgConnection,
) -> Result<ByPosition, Unavailable> {
    let callers: Vec<Uuid> = lookups.iter().map(|lookup| lookup.request.caller.as_uuid()).collect();
    let keys: Vec<&str> = lookups.iter().map(|lookup| lookup.request.key.as_str()).collect();
    let forgotten_before: Vec<DateTime<Utc>> =
        lookups.iter().map(|lookup| IdempotencyKey::forgotten_before(lookup.at)).collect();
    let known = FindKeys { callers: &callers, keys: &keys, forgotten_before: &forgotten_before }
        .load::<KnownKey>(connection)
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
    let orders = as_placed(connection, currency, &ids).await?;
    if !orders.is_empty() {
        flush_what_was_read(connection).await.map_err(Unavailable::new)?;
    }
    Ok(placed.into_iter().filter_map(|(position, id)| Some((position, orders.get(&id)?.clone()))).collect())
}

#[cfg(test)]
mod tests {
    use comanda_domain::{AccountId, RequestFingerprint};

    use super::*;

    #[tokio::test]
    async fn nothing_is_found_by_a_lookup_that_panics() {
        let request = Idempotency {
            caller: AccountId::new(Uuid::now_v7()),
            key: IdempotencyKey::new("key").unwrap(),
            fingerprint: RequestFingerprint::new([7; 16]),
        };
        let (response, found) = oneshot::channel();
        let panicked = comanda_task::caught(async { panic!("in this test") }).await;
        respond(vec![Lookup { request, at: Utc::now(), response }], panicked);
        assert_eq!(found.await.unwrap().unwrap(), None);
    }
}
