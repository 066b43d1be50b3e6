use std::sync::Arc;

use comanda_redis::RedisChanges;

use super::worker::Worker;
use crate::http::Hub;

/// Learns from other servers that something has changed.
pub fn listen_for_changes(changes: Arc<RedisChanges>, hub: Arc<Hub>) -> Worker {
    Worker::endless("listen_for_changes", move |context| {
        let (changes, hub) = (Arc::clone(&changes), Arc::clone(&hub));
        async move { changes.listen(|| hub.wake(), || context.succeeded()).await }
    })
}
