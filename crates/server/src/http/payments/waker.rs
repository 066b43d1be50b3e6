use std::sync::Arc;

use tokio::sync::Notify;

/// Wakes whoever tends payments: something has come that should not wait for the next look.
#[derive(Clone, Default)]
pub struct PaymentsWaker(Arc<Notify>);

impl PaymentsWaker {
    pub fn wake(&self) {
        self.0.notify_one();
    }

    pub async fn woken(&self) {
        self.0.notified().await;
    }
}
