use async_trait::async_trait;

use crate::AccountMail;

use super::NotifyError;

/// Sends mails to accounts.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait MailSender: Send + Sync {
    /// Sends a mail. One that is sent twice can be recognized as the same by its id.
    async fn send(&self, mail: &AccountMail) -> Result<(), NotifyError>;
}
