use std::sync::Arc;

use comanda_domain::ports::LiveUpdates;
use comanda_postgres::{Database, PostgresLiveUpdates};
use comanda_redis::{RedisChanges, RedisConnections};

use crate::{
    http::Hub,
    workers::{ChangesWaker, Workers, announce_changes, listen_for_changes, read_updates},
};

pub(super) fn stored(database: &Database) -> Arc<dyn LiveUpdates> {
    Arc::new(PostgresLiveUpdates::new(database.clone()))
}

/// What reads events for all streams, and what wakes it.
pub(super) fn hub(
    updates: Arc<dyn LiveUpdates>,
    redis: &RedisConnections,
    workers: &mut Workers,
) -> (Arc<Hub>, ChangesWaker) {
    let hub = Arc::new(Hub::new(updates));
    let (changes, waker) = (Arc::new(RedisChanges::new(redis.clone())), ChangesWaker::new(Arc::clone(&hub)));
    workers.register(read_updates(Arc::clone(&hub)));
    workers.register(announce_changes(Arc::clone(&changes), waker.clone()));
    workers.register(listen_for_changes(changes, Arc::clone(&hub)));
    (hub, waker)
}
