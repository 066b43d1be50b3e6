use async_trait::async_trait;

use crate::{Administrator, FeatureFlag, Percentage, Timestamp};

use super::Unavailable;

/// Evaluates feature flags.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait FeatureFlags: Send + Sync {
    /// Whether the flag is on for a subject, by [`Percentage::includes`]. Never waits for a store: the last known
    /// setting counts.
    async fn is_on(&self, flag: FeatureFlag, subject: &str) -> bool;
}

/// The settings of the flags, which hold for every server.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait FlagSettings: Send + Sync {
    /// The flags that somebody has set; the others have their default.
    async fn all(&self) -> Result<Vec<(FeatureFlag, Percentage)>, Unavailable>;

    /// Sets a flag and enters it into the audit log. `by` is `None` for an operator on the command line.
    async fn set(
        &self,
        flag: FeatureFlag,
        percentage: Percentage,
        by: Option<Administrator>,
        at: Timestamp,
    ) -> Result<(), Unavailable>;
}
