use async_trait::async_trait;

use crate::{AccountId, Email, Timestamp};

use super::Unavailable;

/// Limits how many mails about events an address gets, for all servers together.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait MailAllowance: Send + Sync {
    /// Counts the mail about an event, and says whether it may be sent. MUST be exact, and MUST count an event only
    /// once however often its mail is attempted.
    async fn admit(&self, event: i64, account: AccountId, to: &Email, at: Timestamp) -> Result<bool, Unavailable>;
}
