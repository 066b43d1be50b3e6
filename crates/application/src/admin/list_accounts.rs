use std::sync::Arc;

use comanda_domain::{
    account::{Account, Administrator},
    page::Page,
    ports::{Accounts, AccountsQuery, Unavailable},
};

/// Lists accounts a page at a time.
pub struct ListAccounts {
    accounts: Arc<dyn Accounts>,
}

impl ListAccounts {
    pub fn new(accounts: Arc<dyn Accounts>) -> Self {
        Self { accounts }
    }

    pub async fn execute(&self, _by: Administrator, query: AccountsQuery) -> Result<Page<Account>, Unavailable> {
        self.accounts.list(query).await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::{page::PageLimit, ports::MockAccounts};

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn goes_on_where_the_page_before_ended() {
        let mut accounts = MockAccounts::new();
        accounts
            .expect_list()
            .once()
            .withf(|query| query.after == Some(sample::customer().id))
            .returning(|_| Ok(Page { entries: vec![], has_more: false }));
        let list = ListAccounts::new(Arc::new(accounts));
        let after = Some(sample::customer().id);
        let query = AccountsQuery { role: None, disabled: None, after, limit: PageLimit::default() };
        let page = list.execute(sample::admin(), query).await.unwrap();
        assert!(!page.has_more);
    }
}
