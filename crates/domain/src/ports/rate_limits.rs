use async_trait::async_trait;

use crate::{Allowance, LimitedAction, LimitedParty};

use super::Unavailable;

/// Limits how often somebody may act, for all servers together.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait RateLimits: Send + Sync {
    /// Counts one use. A refused one costs nothing.
    async fn count(&self, action: LimitedAction, party: LimitedParty) -> Result<Allowance, Unavailable>;

    /// Takes back one use that was counted and admitted, because it turned out to be none.
    async fn give_back(&self, action: LimitedAction, party: LimitedParty) -> Result<(), Unavailable>;
}
