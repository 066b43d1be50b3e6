use comanda_domain::{
    Account, AccountId, Administrator, Page,
    ports::{AccountsQuery, Unavailable},
};

use super::Accounts;

impl Accounts {
    /// Lists accounts, the oldest first, a page at a time.
    pub async fn list(
        &self,
        _by: Administrator,
        query: AccountsQuery,
    ) -> Result<Page<Account, AccountId>, Unavailable> {
        self.accounts.list(query).await
    }
}
