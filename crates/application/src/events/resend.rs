use comanda_domain::{
    Administrator,
    ports::{Idempotent, ResendError},
};

use super::Events;
use crate::IdempotentRequest;

impl Events {
    /// Has a dead letter sent again.
    pub async fn resend(
        &self,
        by: Administrator,
        id: i64,
        request: Option<IdempotentRequest>,
    ) -> Result<Idempotent<()>, ResendError> {
        let idempotency = request.map(|request| request.by(by.account_id()));
        self.outbox.resend(id, by, self.clock.now(), idempotency).await
    }
}
