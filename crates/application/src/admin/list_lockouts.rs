use std::sync::Arc;

use comanda_domain::{
    account::Administrator,
    lockout::LockedAddress,
    page::Page,
    ports::{Lockouts, LockoutsQuery, Unavailable},
};

/// Lists the addresses that are locked now, a page at a time.
pub struct ListLockouts {
    lockouts: Arc<dyn Lockouts>,
}

impl ListLockouts {
    pub fn new(lockouts: Arc<dyn Lockouts>) -> Self {
        Self { lockouts }
    }

    pub async fn execute(&self, _by: Administrator, query: LockoutsQuery) -> Result<Page<LockedAddress>, Unavailable> {
        self.lockouts.list(query).await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::MockLockouts;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn shows_what_is_locked() {
        let mut lockouts = MockLockouts::new();
        lockouts.expect_list().once().returning(|_| Ok(Page { entries: vec![], has_more: true }));
        let list = ListLockouts::new(Arc::new(lockouts));
        assert!(list.execute(sample::admin(), LockoutsQuery::default()).await.unwrap().has_more);
    }
}
