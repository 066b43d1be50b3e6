use std::time::Duration;

use async_trait::async_trait;

use crate::Perishable;

use super::Unavailable;

/// What one batch of deletions has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// How many rows were deleted.
    pub rows: u64,
    /// Whether there may be more to delete now.
    pub more: bool,
}

/// Deletes what is of no use any more.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Retention: Send + Sync {
    /// Takes the lease, or renews it, for so long. Returns whether this process holds it: at most one does.
    async fn hold_lease(&self, duration: Duration) -> Result<bool, Unavailable>;

    /// Records that events are delivered to these subscribers, so that events are kept for them.
    async fn see_subscribers(&self, names: &[String]) -> Result<(), Unavailable>;

    /// Deletes at most `limit` rows of each table concerned that are older than this, by one clock for all servers.
    /// MUST leave alone what is still needed, however old: events that a subscriber does not have or that the sales
    /// figures do not include, dead letters, and events of the gateway that a person has to inspect.
    async fn delete(&self, what: Perishable, age: Duration, limit: u32) -> Result<Deleted, Unavailable>;
}
