use async_trait::async_trait;
use thiserror::Error;

use crate::Event;

use super::Unavailable;

/// Why an event was not delivered.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum NotifyError {
    /// The receiver was reached, and refuses the event.
    #[error("refused: {0}")]
    Rejected(String),
    /// The receiver is not within reach. Whether the event was delivered is unknown.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Delivers events to a receiver.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Delivers an event. One that does not concern the receiver is left out, and counts as delivered.
    async fn notify(&self, event: &Event) -> Result<(), NotifyError>;
}
