use async_trait::async_trait;

use super::Unavailable;

/// A part of the system that can be asked whether it works.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ComponentHealth: Send + Sync {
    /// Makes one round trip. MUST return within about a second either way.
    async fn check(&self) -> Result<(), Unavailable>;
}
