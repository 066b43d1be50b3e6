use async_trait::async_trait;
use thiserror::Error;

use crate::{
    Account, AccountChange, AccountId, Email, LastAdmin, Page, PageLimit, PasswordHash, PersonName, Role, Timestamp,
};

use super::Unavailable;

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
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// An account with what it takes to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The account.
    pub account: Account,
    /// The hash of its password.
    pub password_hash: PasswordHash,
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
    async fn find_many(&self, ids: &[AccountId]) -> Result<Vec<Account>, Unavailable>;

    /// What it takes to sign in with this address.
    async fn credentials(&self, email: &Email) -> Result<Option<Credentials>, Unavailable>;

    /// A page of accounts in order of registration.
    async fn list(&self, query: AccountsQuery) -> Result<Page<Account>, Unavailable>;
}

/// What changes an account that may exist already.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait AccountChanges: Send + Sync {
    /// Opens an account, or gives the address's existing account this name, role and password and enables it.
    async fn appoint(&self, account: NewAccount) -> Result<Account, Unavailable>;

    /// Changes what an account may do, and records who did it. One enabled admin MUST remain, however many changes are
    /// made at the same moment.
    async fn change(
        &self,
        id: AccountId,
        change: AccountChange,
        by: AccountId,
        at: Timestamp,
    ) -> Result<Account, ChangeAccountError>;

    /// Gives an account another name; `None` if there is no such account.
    async fn rename(&self, id: AccountId, name: PersonName) -> Result<Option<Account>, Unavailable>;

    /// Replaces a hash, by a better one of the same password or by that of another. Does nothing and returns `false` if
    /// the hash is no longer `old`: the password was changed meanwhile.
    async fn replace_hash(&self, id: AccountId, old: &PasswordHash, new: &PasswordHash) -> Result<bool, Unavailable>;
}
