use std::sync::Arc;

use async_trait::async_trait;
use comanda_domain::{
    Account, AccountChange, AccountId, Email, Page, PasswordHash, PersonName, Timestamp,
    ports::{Accounts, AccountsQuery, ChangeAccountError, Credentials, NewAccount, RegisterAccountError, Unavailable},
};

use crate::{breaker::Breaker, retry_budget::RetryBudget};

/// Accounts behind two breakers: `user.create`, and `auth.lookup` for signing in.
pub struct GuardedAccounts {
    pub accounts: Arc<dyn Accounts>,
    pub create: Breaker,
    pub lookup: Breaker,
    pub retries: RetryBudget,
}

#[async_trait]
impl Accounts for GuardedAccounts {
    async fn register(&self, account: NewAccount) -> Result<Account, RegisterAccountError> {
        self.create.call(self.accounts.register(account)).await
    }

    async fn appoint(&self, account: NewAccount) -> Result<Account, Unavailable> {
        self.accounts.appoint(account).await
    }

    async fn find_many(&self, ids: &[AccountId]) -> Result<Vec<Account>, Unavailable> {
        self.retries.read(|| self.accounts.find_many(ids)).await
    }

    async fn credentials(&self, email: &Email) -> Result<Option<Credentials>, Unavailable> {
        self.lookup.call(self.retries.read(|| self.accounts.credentials(email))).await
    }

    async fn list(&self, query: AccountsQuery) -> Result<Page<Account>, Unavailable> {
        self.accounts.list(query).await
    }

    async fn change(
        &self,
        id: AccountId,
        change: AccountChange,
        by: AccountId,
        at: Timestamp,
    ) -> Result<Account, ChangeAccountError> {
        self.accounts.change(id, change, by, at).await
    }

    async fn rename(&self, id: AccountId, name: PersonName) -> Result<Option<Account>, Unavailable> {
        self.accounts.rename(id, name).await
    }

    async fn replace_hash(&self, id: AccountId, old: &PasswordHash, new: &PasswordHash) -> Result<bool, Unavailable> {
        self.accounts.replace_hash(id, old, new).await
    }
}
