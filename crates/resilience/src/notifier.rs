use std::sync::Arc;

use async_trait::async_trait;
use comanda_domain::{
    Event,
    ports::{Notifier, NotifyError},
};

use tracing::Instrument;

use crate::breaker::Breaker;

/// A notifier behind the breaker `notifications`.
pub struct GuardedNotifier {
    pub notifier: Arc<dyn Notifier>,
    pub breaker: Breaker,
}

#[async_trait]
impl Notifier for GuardedNotifier {
    async fn notify(&self, event: &Event) -> Result<(), NotifyError> {
        let span = tracing::debug_span!("event.deliver", otel.kind = "producer", kind = event.happened.kind());
        self.breaker.call(self.notifier.notify(event)).instrument(span).await
    }
}
