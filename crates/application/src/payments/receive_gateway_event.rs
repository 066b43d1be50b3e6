use std::sync::Arc;

use comanda_domain::ports::{
    BadEvent, Clock, GatewayEvents, GatewayInbox, InboxEvent, MalformedEvent, Unavailable, WorkQueue,
};
use thiserror::Error;

/// Why an event was not accepted.
#[derive(Debug, Error)]
pub enum ReceiveEventError {
    #[error(transparent)]
    Bad(#[from] BadEvent),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Accepts an event from the payment gateway into the inbox. It is handled later, because the gateway wants a quick response.
pub struct ReceiveGatewayEvent {
    inbox: Arc<dyn GatewayInbox>,
    events: Option<Arc<dyn GatewayEvents>>,
    work: Arc<dyn WorkQueue>,
    clock: Arc<dyn Clock>,
}

impl ReceiveGatewayEvent {
    /// Without `events`, no payment gateway is configured and nobody's signature is accepted.
    pub fn new(
        inbox: Arc<dyn GatewayInbox>,
        events: Option<Arc<dyn GatewayEvents>>,
        work: Arc<dyn WorkQueue>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { inbox, events, work, clock }
    }

    /// `body` is what was signed, byte for byte.
    pub async fn execute(&self, signature: &str, body: &[u8]) -> Result<(), ReceiveEventError> {
        let now = self.clock.now();
        let events = self.events.as_ref().ok_or(BadEvent::Signature)?;
        let event = events.verify(signature, body, now)?;
        let body = String::from_utf8(body.to_vec()).map_err(|_| BadEvent::from(MalformedEvent("it is not UTF-8")))?;
        if self.inbox.receive(InboxEvent { id: event.id, body }, now).await? {
            self.work.wake();
        }
        Ok(())
    }
}
