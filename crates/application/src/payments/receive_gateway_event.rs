use std::sync::Arc;

use comanda_domain::ports::{BadEvent, Clock, InboxEvent, PaymentGateway, Payments, Unavailable};
use thiserror::Error;

/// Why an event was not taken.
#[derive(Debug, Error)]
pub enum ReceiveEventError {
    #[error(transparent)]
    Bad(#[from] BadEvent),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Takes an event of the gateway's into the inbox. What it says is carried out afterwards: the gateway wants a quick answer.
pub struct ReceiveGatewayEvent {
    payments: Arc<dyn Payments>,
    gateway: Option<Arc<dyn PaymentGateway>>,
    clock: Arc<dyn Clock>,
}

impl ReceiveGatewayEvent {
    pub fn new(payments: Arc<dyn Payments>, gateway: Option<Arc<dyn PaymentGateway>>, clock: Arc<dyn Clock>) -> Self {
        Self { payments, gateway, clock }
    }

    /// Says whether it is new. `body` is what was signed, byte for byte.
    pub async fn execute(&self, signature: &str, body: &[u8]) -> Result<bool, ReceiveEventError> {
        let now = self.clock.now();
        let gateway = self.gateway.as_ref().ok_or(BadEvent::Signature)?;
        let event = gateway.verify(signature, body, now)?;
        let body = String::from_utf8(body.to_vec()).map_err(|_| BadEvent::Malformed)?;
        Ok(self.payments.receive(InboxEvent { id: event.id, body }, now).await?)
    }
}
