//! Accounts, in the table `users`.

mod appoint;
mod change;
mod change_password;
mod credentials;
mod find_many;
mod list;
mod lock;
mod register;
mod rename;
mod replace_hash;
mod row;
mod twins;

use async_trait::async_trait;
use comanda_domain::{
    Account, AccountChange, AccountId, Email, Page, PasswordHash, PersonName, SessionId, Timestamp,
    ports::{
        AccountChanges, Accounts, AccountsQuery, ChangeAccountError, ChangePasswordError, ChangedAccount, Credentials,
        ExistingAccount, NewAccount, PasswordChange, Readable, RegisterAccountError, Unavailable,
    },
};
use diesel::sql_types::{Array, Text};

pub use self::twins::twins_of_addresses;
pub(crate) use self::{lock::lock, row::AccountRow};
use crate::Database;

diesel::define_sql_function! {
    /// At which place of the texts this one stands, from 1. The spellings of an address are in the order in which they
    /// count.
    #[sql_name = "array_position"]
    fn place_among(texts: Array<Text>, text: Text) -> Nullable<Integer>;
}

/// Accounts in the table `users`.
pub struct PostgresAccounts {
    database: Database,
}

impl PostgresAccounts {
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl Accounts for PostgresAccounts {
    async fn register(&self, account: NewAccount) -> Result<Account, RegisterAccountError> {
        register::register(&self.database, account).await
    }

    async fn find_many(&self, ids: &[AccountId]) -> Result<Vec<Readable<Account>>, Unavailable> {
        find_many::find_many(&self.database, ids).await
    }

    async fn credentials(&self, email: &Email) -> Result<Option<Credentials>, Unavailable> {
        credentials::credentials(&self.database, email).await
    }

    async fn list(&self, query: AccountsQuery) -> Result<Page<Account, AccountId>, Unavailable> {
        list::list(&self.database, query).await
    }
}

#[async_trait]
impl AccountChanges for PostgresAccounts {
    async fn appoint(
        &self,
        account: NewAccount,
        existing: ExistingAccount,
    ) -> Result<ChangedAccount, RegisterAccountError> {
        appoint::appoint(&self.database, account, existing).await
    }

    async fn change(
        &self,
        id: AccountId,
        change: AccountChange,
        by: AccountId,
        at: Timestamp,
    ) -> Result<ChangedAccount, ChangeAccountError> {
        change::change(&self.database, id, change, by, at).await
    }

    async fn change_password(&self, change: PasswordChange) -> Result<Vec<SessionId>, ChangePasswordError> {
        change_password::change_password(&self.database, change).await
    }

    async fn rename(&self, id: AccountId, name: PersonName) -> Result<Option<Account>, Unavailable> {
        rename::rename(&self.database, id, &name).await
    }

    async fn replace_hash(&self, id: AccountId, old: &PasswordHash, new: &PasswordHash) -> Result<bool, Unavailable> {
        replace_hash::replace_hash(&self.database, id, old, new).await
    }
}
