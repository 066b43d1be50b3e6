use comanda_domain::{Administrator, ports::ResendError};

use super::Events;

impl Events {
    /// Has a dead letter sent again.
    pub async fn resend(&self, by: Administrator, id: i64) -> Result<(), ResendError> {
        self.outbox.resend(id, by, self.clock.now()).await
    }
}
