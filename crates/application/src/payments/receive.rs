use comanda_domain::ports::{BadEvent, InboxEvent, MalformedEvent, Unavailable};
use thiserror::Error;

use super::Payments;

/// Why an event was not accepted.
#[derive(Debug, Error)]
pub enum ReceiveEventError {
    #[error(transparent)]
    Bad(#[from] BadEvent),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Payments {
    /// Accepts an event from the payment gateway into the inbox. It is handled later, because the gateway wants a quick
    /// response.
    ///
    /// `body` is what was signed, byte for byte. Without a gateway nobody's signature is accepted.
    pub async fn receive(&self, signature: &str, body: &[u8]) -> Result<(), ReceiveEventError> {
        let now = self.clock.now();
        let gateway = self.gateway.as_ref().ok_or(BadEvent::Signature)?;
        let event = gateway.events.verify(signature, body, now)?;
        let body = String::from_utf8(body.to_vec()).map_err(|_| BadEvent::from(MalformedEvent("it is not UTF-8")))?;
        if self.inbox.receive(InboxEvent { id: event.id, body }, now).await? {
            self.work.wake();
        }
        Ok(())
    }
}
