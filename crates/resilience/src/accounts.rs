use std::sync::Arc;

use async_trait::async_trait;
use comanda_domain::{
    Account, AccountId, Email, Page,
    ports::{Accounts, AccountsQuery, Credentials, NewAccount, Readable, RegisterAccountError, Unavailable},
};

use crate::{breaker::Breaker, retry_budget::RetryBudget};

/// Accounts behind two breakers: `user.create`, and `auth.lookup` for signing in. Reads are tried again
/// within a budget.
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

    async fn find_many(&self, ids: &[AccountId]) -> Result<Vec<Readable<Account>>, Unavailable> {
        self.retries.read(|| self.accounts.find_many(ids)).await
    }

    async fn credentials(&self, email: &Email) -> Result<Option<Credentials>, Unavailable> {
        self.lookup.call(self.retries.read(|| self.accounts.credentials(email))).await
    }

    async fn list(&self, query: AccountsQuery) -> Result<Page<Account, AccountId>, Unavailable> {
        self.retries.read(|| self.accounts.list(query.clone())).await
    }
}
