use std::{sync::Arc, time::Duration};

use comanda_domain::ports::WorkQueue;
use comanda_redis::RedisChanges;
use tokio::sync::Notify;

use super::worker::{Context, Worker};
use crate::http::Hub;

/// However much changes, others are told no more often than this: one notification stands for all before it.
const PAUSE: Duration = Duration::from_millis(20);

/// For as long as nothing changes.
const SUCCESS_PERIOD: Duration = Duration::from_mins(1);

/// Wakes whoever watches: the streams of this process at once, and those of others by [`announce_changes`].
#[derive(Clone)]
pub struct ChangesWaker {
    hub: Arc<Hub>,
    announce: Arc<Notify>,
}

impl ChangesWaker {
    pub fn new(hub: Arc<Hub>) -> Self {
        Self { hub, announce: Arc::default() }
    }
}

impl WorkQueue for ChangesWaker {
    fn wake(&self) {
        self.hub.wake();
        self.announce.notify_one();
    }
}

/// Tells other servers that something has changed. They find out by themselves, but later.
pub fn announce_changes(changes: Arc<RedisChanges>, waker: ChangesWaker) -> Worker {
    Worker::endless("announce_changes", move |context| run(Arc::clone(&changes), waker.clone(), context))
}

async fn run(changes: Arc<RedisChanges>, waker: ChangesWaker, context: Context) {
    // There is nothing to tell yet.
    context.succeeded();
    loop {
        if tokio::time::timeout(SUCCESS_PERIOD, waker.announce.notified()).await.is_ok() {
            match changes.announce().await {
                Ok(()) => context.succeeded(),
                Err(error) => context.failed(&error),
            }
            tokio::time::sleep(PAUSE).await;
        } else {
            context.succeeded();
        }
    }
}
