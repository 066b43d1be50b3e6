use comanda_domain::{Account, AccountId, ports::Unavailable};

use super::Accounts;

impl Accounts {
    /// Finds an account.
    pub async fn find(&self, id: AccountId) -> Result<Option<Account>, Unavailable> {
        Ok(self.accounts.find_many(&[id]).await?.pop().transpose()?)
    }
}
