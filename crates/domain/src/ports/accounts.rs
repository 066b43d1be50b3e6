use async_trait::async_trait;
use thiserror::Error;

use crate::{
    Account, AccountChange, AccountId, CredentialsVersion, Email, LastAdmin, Page, PageLimit, PasswordHash, PersonName,
    Role, SessionId, Timestamp,
};

use super::{Readable, Unavailable};

/// An account to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// The id it will have.
    pub id: AccountId,
    /// Must not have an account yet.
    pub email: Email,
    /// What the person wants to be called.
    pub name: PersonName,
    /// The role, which decides what the account may do.
    pub role: Role,
    /// The hash of the chosen password.
    pub password_hash: PasswordHash,
    /// When it is opened, in whole milliseconds.
    pub created_at: Timestamp,
}

/// Why no account was opened.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum RegisterAccountError {
    /// The address has an account already.
    #[error("the e-mail address has an account already")]
    EmailTaken,
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why an account was not changed.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum ChangeAccountError {
    /// There is no such account.
    #[error("no such account")]
    NotFound,
    /// Nobody would be left who manages accounts.
    #[error(transparent)]
    LastAdmin(#[from] LastAdmin),
    /// Who asks is no enabled admin any more.
    #[error("not an admin any more")]
    NotAdmin,
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What to do when the address of an admin to be appointed has an account already. Whoever registered it need not be
/// whom the operator means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExistingAccount {
    /// Leave it as it is, and refuse.
    Refused,
    /// Give it the role and the password, enable it, and close its sessions.
    Appointed,
}

/// A password to replace an account's current one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordChange {
    /// The account.
    pub account_id: AccountId,
    /// The credentials that the caller proved to have.
    pub known: CredentialsVersion,
    /// The hash of the new password.
    pub password_hash: PasswordHash,
    /// The session that goes on; all others end.
    pub kept: Option<SessionId>,
    /// When, in whole milliseconds.
    pub at: Timestamp,
}

/// Why a password was not changed.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum ChangePasswordError {
    /// The account's credentials are not the known ones any more: another change was faster.
    #[error("the credentials were changed meanwhile")]
    Outdated,
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// An account after a change that ended its sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedAccount {
    /// The account after the change.
    pub account: Account,
    /// The sessions that were closed in the same transaction, to be announced.
    pub ended: Vec<SessionId>,
}

/// An account with what it takes to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The account.
    pub account: Account,
    /// The hash of its password.
    pub password_hash: PasswordHash,
    /// The version that the account and the hash have.
    pub version: CredentialsVersion,
}

/// Which accounts to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountsQuery {
    /// Only those with this role.
    pub role: Option<Role>,
    /// Only those that are disabled, or only those that are not.
    pub disabled: Option<bool>,
    /// Only those registered after this one.
    pub after: Option<AccountId>,
    /// The size of the page.
    pub limit: PageLimit,
}

/// Opening and finding accounts.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Opens an account. Of two at the same moment for one address, one MUST get [`RegisterAccountError::EmailTaken`].
    async fn register(&self, account: NewAccount) -> Result<Account, RegisterAccountError>;

    /// Those of the accounts that exist, in one round trip, in any order.
    async fn find_many(&self, ids: &[AccountId]) -> Result<Vec<Readable<Account>>, Unavailable>;

    /// What it takes to sign in with this address.
    async fn credentials(&self, email: &Email) -> Result<Option<Credentials>, Unavailable>;

    /// A page of accounts in order of registration.
    async fn list(&self, query: AccountsQuery) -> Result<Page<Account, AccountId>, Unavailable>;
}

/// What changes an account that may exist already.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait AccountChanges: Send + Sync {
    /// Opens an account for an admin, or does with the address's existing account what `existing` says. MUST be one
    /// transaction: the change, the end of the account's sessions and the audit record.
    async fn appoint(
        &self,
        account: NewAccount,
        existing: ExistingAccount,
    ) -> Result<ChangedAccount, RegisterAccountError>;

    /// Changes what an account may do, ends its sessions, and records who did it. MUST be one transaction, which raises
    /// the credentials' version. A change that leaves everything as it was ends nothing. One enabled
    /// admin MUST remain, however many changes are made at the same moment.
    async fn change(
        &self,
        id: AccountId,
        change: AccountChange,
        by: AccountId,
        at: Timestamp,
    ) -> Result<ChangedAccount, ChangeAccountError>;

    /// Replaces the password and ends the account's other sessions, which are returned. MUST be one transaction, which
    /// raises the credentials' version, and MUST change nothing if the account is disabled or its version is not the
    /// known one.
    async fn change_password(&self, change: PasswordChange) -> Result<Vec<SessionId>, ChangePasswordError>;

    /// Gives an account another name; `None` if there is no such account.
    async fn rename(&self, id: AccountId, name: PersonName) -> Result<Option<Account>, Unavailable>;

    /// Replaces a hash by a better one of the same password. Does nothing and returns `false` if the hash is no longer
    /// `old`: the password was changed meanwhile.
    async fn replace_hash(&self, id: AccountId, old: &PasswordHash, new: &PasswordHash) -> Result<bool, Unavailable>;
}
