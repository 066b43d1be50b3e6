use std::sync::Arc;

use async_trait::async_trait;
use comanda_domain::{
    notice::Notice,
    ports::{Notifier, NotifyError},
};

use tracing::Instrument;

use crate::breaker::Breaker;

/// A notifier behind a breaker: `notifications`.
pub struct GuardedNotifier {
    pub notifier: Arc<dyn Notifier>,
    pub breaker: Breaker,
}

#[async_trait]
impl Notifier for GuardedNotifier {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        let span = tracing::debug_span!("notice", otel.kind = "producer", kind = notice.happened.kind());
        self.breaker.call(self.notifier.notify(notice)).instrument(span).await
    }
}
