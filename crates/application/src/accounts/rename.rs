use comanda_domain::{Account, AccountId, PersonName, ports::Unavailable};

use super::Accounts;

impl Accounts {
    /// Changes the name of an account. `None`: there is no such account.
    pub async fn rename(&self, id: AccountId, name: PersonName) -> Result<Option<Account>, Unavailable> {
        self.changes.rename(id, name).await
    }
}
