use std::sync::Arc;

use comanda_domain::{
    account::Account,
    ids::AccountId,
    ports::{Accounts, Unavailable},
    text::PersonName,
};

/// Calls somebody by another name.
pub struct RenameAccount {
    accounts: Arc<dyn Accounts>,
}

impl RenameAccount {
    pub fn new(accounts: Arc<dyn Accounts>) -> Self {
        Self { accounts }
    }

    pub async fn execute(&self, id: AccountId, name: PersonName) -> Result<Option<Account>, Unavailable> {
        self.accounts.rename(id, name).await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::MockAccounts;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn the_new_name_is_stored() {
        let mut accounts = MockAccounts::new();
        accounts
            .expect_rename()
            .once()
            .withf(|_, name| name.as_str() == "Anna")
            .returning(|_, name| Ok(Some(Account { name, ..sample::customer() })));
        let renamed = RenameAccount::new(Arc::new(accounts))
            .execute(sample::customer().id, PersonName::new("Anna").unwrap())
            .await
            .unwrap();
        assert_eq!(renamed.unwrap().name.as_str(), "Anna");
    }
}
