use std::sync::Arc;

use comanda_domain::{
    account::{Account, Administrator},
    ids::AccountId,
    page::{Page, PageLimit},
    ports::{Accounts, Unavailable},
};

/// Lists accounts a page at a time.
pub struct ListAccounts {
    accounts: Arc<dyn Accounts>,
}

impl ListAccounts {
    pub fn new(accounts: Arc<dyn Accounts>) -> Self {
        Self { accounts }
    }

    pub async fn execute(
        &self,
        _by: Administrator,
        after: Option<AccountId>,
        limit: PageLimit,
    ) -> Result<Page<Account>, Unavailable> {
        self.accounts.list(after, limit).await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::MockAccounts;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn goes_on_where_the_page_before_ended() {
        let mut accounts = MockAccounts::new();
        accounts
            .expect_list()
            .once()
            .withf(|after, _| *after == Some(sample::customer().id))
            .returning(|_, _| Ok(Page { entries: vec![], has_more: false }));
        let list = ListAccounts::new(Arc::new(accounts));
        let page = list.execute(sample::admin(), Some(sample::customer().id), PageLimit::default()).await.unwrap();
        assert!(!page.has_more);
    }
}
