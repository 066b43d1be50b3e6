use async_trait::async_trait;
use chrono::TimeDelta;
use thiserror::Error;

use crate::{
    Account, AccountId, CredentialsVersion, Email, Idempotency, KeyRefusal, MailId, MailKind, MailTokenHash,
    MailTokenRefusal, NewMailToken, PasswordHash, SessionId, Timestamp, TokenPurpose,
};

use super::{Idempotent, Unavailable};

/// Why no mail will be sent.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum RequestMailError {
    /// There is no such account.
    #[error("no such account")]
    NotFound,
    /// The address has got as many mails within an hour as it may.
    #[error("the address gets no more mails at the moment")]
    TooMany {
        /// When the next one may be asked for.
        wait: TimeDelta,
    },
    /// The key is not free.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a token was not accepted.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum MailTokenError {
    /// The token does not count.
    #[error("the token {0}")]
    Refused(MailTokenRefusal),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A mail that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueMail {
    /// The mail.
    pub id: MailId,
    /// What it is about, as its address may get it.
    pub kind: MailKind,
    /// What was asked for.
    pub asked: MailKind,
    /// Whose it is.
    pub account_id: AccountId,
    /// The version of the account's credentials.
    pub credentials: CredentialsVersion,
    /// Whom it goes to.
    pub to: Email,
    /// How many attempts to send it there were, this one included.
    pub attempts: u32,
}

/// An account whose password was reset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResetAccount {
    /// The account.
    pub id: AccountId,
    /// Its address, whose lock is to be lifted.
    pub email: Email,
    /// The sessions that were closed in the same transaction, to be announced.
    pub ended: Vec<SessionId>,
}

/// Mails to accounts, from the request to the use of the token. A mail is recorded first, in the transaction that
/// causes it, and sent from there.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Mails: Send + Sync {
    /// Records that a verification mail is to be sent; an address that is verified already gets none.
    async fn request_verification(
        &self,
        account: AccountId,
        at: Timestamp,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<()>, RequestMailError>;

    /// Whether the same request for a verification mail has succeeded before.
    async fn has_requested_verification(&self, request: &Idempotency, at: Timestamp) -> Result<bool, Unavailable>;

    /// Records that somebody wants to reset the password of this address. MUST do the same for every address, whether
    /// it has an account or not, and does nothing beyond the limit.
    async fn request_password_reset(&self, email: &Email, at: Timestamp) -> Result<(), Unavailable>;

    /// Leases for two minutes the next mail that is due. Dropped are mails that their addresses may not get, or not
    /// now, those that were asked for more than an hour ago and never attempted, and those that were attempted as often
    /// as `attempts`: whoever attempted them last has not reported how it ended.
    async fn take_due(&self, at: Timestamp, attempts: u32) -> Result<Option<DueMail>, Unavailable>;

    /// Records a token before its mail is sent.
    async fn add_token(&self, token: NewMailToken) -> Result<(), Unavailable>;

    /// Records that a mail is to be sent again at this time, or (`None`) that it is done with. MUST change nothing if
    /// the mail was taken again after this attempt, its number.
    async fn settle(&self, id: MailId, attempt: u32, next_at: Option<Timestamp>) -> Result<(), Unavailable>;

    /// The account that a token was mailed to, if the token counts now. Does not use it.
    async fn check_token(
        &self,
        hash: MailTokenHash,
        purpose: TokenPurpose,
        at: Timestamp,
    ) -> Result<Account, MailTokenError>;

    /// Uses a token, and marks its address as verified. MUST be one transaction.
    async fn verify_email(&self, hash: MailTokenHash, at: Timestamp) -> Result<AccountId, MailTokenError>;

    /// Uses a token, replaces the password of its account, closes all of the account's sessions, and records the mail
    /// that reports it. MUST be one transaction.
    async fn reset_password(
        &self,
        hash: MailTokenHash,
        password: PasswordHash,
        at: Timestamp,
    ) -> Result<ResetAccount, MailTokenError>;

    /// Addresses whose passwords were reset, and whose locks are still to be lifted.
    async fn locks_to_lift(&self) -> Result<Vec<Email>, Unavailable>;

    /// Records that the lock of an address was lifted.
    async fn lock_lifted(&self, email: &Email) -> Result<(), Unavailable>;
}
