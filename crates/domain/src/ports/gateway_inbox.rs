use async_trait::async_trait;

use crate::Timestamp;

use super::{MalformedEvent, Unavailable};

/// An event from the payment gateway, as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxEvent {
    /// The gateway's id for it. An event that arrives twice has the same.
    pub id: String,
    /// The text that was signed.
    pub body: String,
}

/// The events that the payment gateway has sent, each kept once, until they are handled.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait GatewayInbox: Send + Sync {
    /// Keeps an event. Returns whether it is new.
    async fn receive(&self, event: InboxEvent, at: Timestamp) -> Result<bool, Unavailable>;

    /// Takes at most `limit` events that are not handled yet, the oldest first, and those of `known_kinds` that another
    /// server did not know. One server has them for half a minute; then they can be taken again, after pauses that
    /// grow, unless they were marked. Handling an event twice does no harm.
    async fn take_events(&self, known_kinds: &[&'static str], limit: u32) -> Result<Vec<InboxEvent>, Unavailable>;

    /// Records that an event was handled.
    async fn mark_handled(&self, id: &str, at: Timestamp) -> Result<(), Unavailable>;

    /// Leaves an event alone, because its kind is not known here: a server that knows the kind takes it.
    async fn mark_unknown(&self, id: &str, kind: &str, at: Timestamp) -> Result<(), Unavailable>;

    /// Records that an event cannot be read and why, so that no further attempt is made. It stays in the inbox for a
    /// person to inspect.
    async fn mark_malformed(&self, id: &str, error: MalformedEvent, at: Timestamp) -> Result<(), Unavailable>;
}
