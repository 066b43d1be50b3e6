use std::sync::Arc;

use comanda_domain::{
    account::Administrator,
    email::Email,
    lockout::LockedAddress,
    ports::{Lockouts, Unavailable},
};

/// Shows an address's lock, if it has one now.
pub struct ReadLockout {
    lockouts: Arc<dyn Lockouts>,
}

impl ReadLockout {
    pub fn new(lockouts: Arc<dyn Lockouts>) -> Self {
        Self { lockouts }
    }

    pub async fn execute(&self, _by: Administrator, email: &Email) -> Result<Option<LockedAddress>, Unavailable> {
        self.lockouts.find(email).await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::MockLockouts;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn an_open_address_has_none() {
        let mut lockouts = MockLockouts::new();
        lockouts.expect_find().once().returning(|_| Ok(None));
        let read = ReadLockout::new(Arc::new(lockouts));
        assert_eq!(read.execute(sample::admin(), &sample::email()).await.unwrap(), None);
    }
}
