use std::sync::Arc;

use comanda_domain::{
    account::Administrator,
    ports::{Clock, Outbox, ResendError},
};

/// Has a dead letter tried again.
pub struct ResendDeadLetter {
    outbox: Arc<dyn Outbox>,
    clock: Arc<dyn Clock>,
}

impl ResendDeadLetter {
    pub fn new(outbox: Arc<dyn Outbox>, clock: Arc<dyn Clock>) -> Self {
        Self { outbox, clock }
    }

    pub async fn execute(&self, by: Administrator, id: i64) -> Result<(), ResendError> {
        self.outbox.resend(id, by, self.clock.now()).await
    }
}
