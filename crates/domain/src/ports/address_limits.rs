use async_trait::async_trait;

use crate::{Allowance, ClientNetwork, LimitedAction};

use super::Unavailable;

/// Limits how often one client may act, for all servers together.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait AddressLimits: Send + Sync {
    /// Counts one use. A refused one costs nothing.
    async fn count(&self, action: LimitedAction, client: ClientNetwork) -> Result<Allowance, Unavailable>;
}
