use crate::{MailToken, MailTokenHash};

/// Makes the tokens in mails.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait MailTokens: Send + Sync {
    /// A new token: 256 random bits.
    fn generate(&self) -> MailToken;

    /// The hash of a token, which is all that may be stored.
    fn hash(&self, token: &MailToken) -> MailTokenHash;
}
