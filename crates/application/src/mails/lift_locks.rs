use comanda_domain::{Email, ports::Unavailable};
use comanda_task::isolated;

use super::Mails;

impl Mails {
    /// Lifts the locks of addresses whose passwords were reset by a server that could not lift them. One that cannot be
    /// lifted keeps no other.
    pub async fn lift_locks(&self) -> Result<(), Unavailable> {
        let mut outcome = Ok(());
        for email in self.mails.locks_to_lift().await? {
            outcome = outcome.and(isolated(self.lift_lock(&email), Unavailable::new).await);
        }
        outcome
    }

    async fn lift_lock(&self, email: &Email) -> Result<(), Unavailable> {
        self.lockouts.unlock(email).await?;
        self.mails.lock_lifted(email).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::ports::{MockLockouts, MockMails};

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn a_lock_that_was_not_lifted_stays_recorded() {
        let mut mails = MockMails::new();
        mails.expect_locks_to_lift().returning(|| Ok(vec![sample::email()]));
        mails.expect_lock_lifted().never();
        let mut lockouts = MockLockouts::new();
        lockouts.expect_unlock().once().returning(|_| Err(Unavailable::new("Redis is gone")));
        let mails = Mails { mails: Arc::new(mails), lockouts: Arc::new(lockouts), ..sample::mails() };
        assert!(mails.lift_locks().await.is_err());
    }
}
