use std::sync::Arc;

use comanda_domain::{
    account::Account,
    ids::AccountId,
    ports::{Accounts, Unavailable},
};

/// Shows somebody their own account.
pub struct ReadProfile {
    accounts: Arc<dyn Accounts>,
}

impl ReadProfile {
    pub fn new(accounts: Arc<dyn Accounts>) -> Self {
        Self { accounts }
    }

    pub async fn execute(&self, id: AccountId) -> Result<Option<Account>, Unavailable> {
        Ok(self.accounts.find_many(&[id]).await?.pop())
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::MockAccounts;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn shows_the_account_or_nothing() {
        let mut accounts = MockAccounts::new();
        accounts.expect_find_many().once().returning(|_| Ok(vec![sample::customer()]));
        accounts.expect_find_many().once().returning(|_| Ok(vec![]));
        let profile = ReadProfile::new(Arc::new(accounts));
        assert_eq!(profile.execute(sample::customer().id).await.unwrap(), Some(sample::customer()));
        assert_eq!(profile.execute(sample::customer().id).await.unwrap(), None);
    }
}
