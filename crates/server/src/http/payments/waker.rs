use std::sync::Arc;

use comanda_domain::ports::WorkQueue;
use tokio::sync::Notify;

/// Wakes the worker that processes payments.
#[derive(Clone, Default)]
pub struct PaymentsWaker(Arc<Notify>);

impl PaymentsWaker {
    pub async fn woken(&self) {
        self.0.notified().await;
    }
}

impl WorkQueue for PaymentsWaker {
    fn wake(&self) {
        self.0.notify_one();
    }
}
