use comanda_domain::{
    AccountId, Administrator, AuditAction, AuditRecord, Email, Reason, SecurityEvent, SecurityEventKind,
    SecurityOutcome, ports::Unavailable,
};
use thiserror::Error;

use super::Operations;

/// Why nothing was unlocked.
#[derive(Debug, Error)]
pub enum UnlockError {
    #[error("the address is not locked")]
    NotLocked,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why an operator has unlocked nothing.
#[derive(Debug, Error)]
pub enum OperatorUnlockError {
    #[error("the address is no account's, and is not known to be locked")]
    Unknown,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Operations {
    /// Lifts the lock of an address, and forgets the failures that led to it.
    pub async fn unlock(&self, by: Administrator, email: &Email, reason: Reason) -> Result<(), UnlockError> {
        // Where nobody knows whether it is locked, it is unlocked: another server may have locked it meanwhile.
        if let Ok(None) = self.locked_addresses.find(email).await {
            return Err(UnlockError::NotLocked);
        }
        Ok(self.lift(Some(by.account_id()), email, reason).await?)
    }

    /// The same for whoever holds the keys to the deployment, on the command line: nobody may be able to sign in. Also
    /// if no lock is known here: a server that did not reach Redis may hold one. Returns whether one may have been. An
    /// address that is no account's either was mistyped.
    pub async fn unlock_as_operator(&self, email: &Email, reason: Reason) -> Result<bool, OperatorUnlockError> {
        let lock = self.locked_addresses.find(email).await;
        // An account that cannot be read is one.
        if !matches!(lock, Ok(Some(_))) && matches!(self.accounts.credentials(email).await, Ok(None)) {
            return Err(OperatorUnlockError::Unknown);
        }
        self.lift(None, email, reason).await?;
        Ok(!matches!(lock, Ok(None)))
    }

    async fn lift(&self, actor: Option<AccountId>, email: &Email, reason: Reason) -> Result<(), Unavailable> {
        // Recorded first: nothing is unlocked that is not in the log, and every server finds it there.
        let record = AuditRecord {
            actor,
            action: AuditAction::AccountUnlocked,
            target: email.to_string(),
            reason: Some(reason),
            at: self.clock.now(),
        };
        self.audit_log.record(record).await?;
        // Where it is out of reach, which has been logged, every server drives the unlock to its end: it is in the log.
        self.lockouts.unlock(email).await.ok();
        let event = SecurityEvent::new(SecurityEventKind::Unlock, SecurityOutcome::Success).of_address(email);
        self.security.record(SecurityEvent { by: actor, ..event });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{
        Lock, LockedAddress,
        ports::{MockAccounts, MockAuditLog, MockLockedAddresses, MockLockouts},
    };

    use super::*;
    use crate::sample;

    fn locked() -> MockLockedAddresses {
        let mut addresses = MockLockedAddresses::new();
        addresses.expect_find().returning(|email| {
            let now = sample::now();
            let lock = Lock { attempts: 5, level: 1, first_failed_at: now, locked_at: now, unlock_at: now };
            Ok(Some(LockedAddress { email: email.clone(), lock }))
        });
        addresses
    }

    fn reason() -> Reason {
        Reason::new("called us").unwrap()
    }

    #[tokio::test]
    async fn who_unlocked_whom_and_why_is_recorded() {
        let mut lockouts = MockLockouts::new();
        lockouts.expect_unlock().once().returning(|_| Ok(()));
        let mut log = MockAuditLog::new();
        log.expect_record()
            .once()
            .withf(|record| {
                record.actor == Some(sample::admin().account_id())
                    && record.target == sample::email().as_str()
                    && record.reason == Some(reason())
            })
            .returning(|_| Ok(()));
        let operations = Operations {
            lockouts: Arc::new(lockouts),
            locked_addresses: Arc::new(locked()),
            audit_log: Arc::new(log),
            ..sample::operations()
        };
        assert!(operations.unlock(sample::admin(), &sample::email(), reason()).await.is_ok());
    }

    /// Also what nobody knows to be locked: a server that did not reach Redis may have locked it, and follows the log.
    #[tokio::test]
    async fn an_operator_unlocks_without_an_account() {
        for is_known in [true, false] {
            let mut unknown = MockLockedAddresses::new();
            unknown.expect_find().returning(|_| Ok(None));
            let mut accounts = MockAccounts::new();
            accounts.expect_credentials().returning(|_| Ok(Some(sample::credentials())));
            let mut lockouts = MockLockouts::new();
            lockouts.expect_unlock().once().returning(|_| Ok(()));
            let mut log = MockAuditLog::new();
            log.expect_record().once().withf(|record| record.actor.is_none()).returning(|_| Ok(()));
            let operations = Operations {
                lockouts: Arc::new(lockouts),
                accounts: Arc::new(accounts),
                locked_addresses: Arc::new(if is_known { locked() } else { unknown }),
                audit_log: Arc::new(log),
                ..sample::operations()
            };
            assert_eq!(operations.unlock_as_operator(&sample::email(), reason()).await.unwrap(), is_known);
        }
    }

    #[tokio::test]
    async fn an_address_that_is_nobodys_and_not_known_to_be_locked_was_mistyped() {
        for knows_locks in [true, false] {
            let (mut addresses, mut accounts) = (MockLockedAddresses::new(), MockAccounts::new());
            addresses.expect_find().returning(move |_| match knows_locks {
                true => Ok(None),
                false => Err(Unavailable::new("gone")),
            });
            accounts.expect_credentials().once().returning(|_| Ok(None));
            // Neither recorded nor unlocked.
            let operations = Operations {
                accounts: Arc::new(accounts),
                locked_addresses: Arc::new(addresses),
                ..sample::operations()
            };
            let unlocked = operations.unlock_as_operator(&sample::email(), reason()).await;
            assert!(matches!(unlocked, Err(OperatorUnlockError::Unknown)), "{unlocked:?}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_recorded_is_not_done() {
        let mut log = MockAuditLog::new();
        log.expect_record().returning(|_| Err(Unavailable::new("gone")));
        let operations =
            Operations { locked_addresses: Arc::new(locked()), audit_log: Arc::new(log), ..sample::operations() };
        assert!(operations.unlock(sample::admin(), &sample::email(), reason()).await.is_err());
    }

    #[tokio::test]
    async fn an_address_of_which_nobody_knows_whether_it_is_locked_is_unlocked() {
        let (mut addresses, mut lockouts, mut log) =
            (MockLockedAddresses::new(), MockLockouts::new(), MockAuditLog::new());
        addresses.expect_find().returning(|_| Err(Unavailable::new("gone")));
        log.expect_record().once().returning(|_| Ok(()));
        lockouts.expect_unlock().once().returning(|_| Ok(()));
        let operations = Operations {
            lockouts: Arc::new(lockouts),
            locked_addresses: Arc::new(addresses),
            audit_log: Arc::new(log),
            ..sample::operations()
        };
        assert!(operations.unlock(sample::admin(), &sample::email(), reason()).await.is_ok());
    }

    #[tokio::test]
    async fn an_address_that_is_not_locked_cannot_be_unlocked() {
        let mut addresses = MockLockedAddresses::new();
        addresses.expect_find().returning(|_| Ok(None));
        let operations = Operations { locked_addresses: Arc::new(addresses), ..sample::operations() };
        let result = operations.unlock(sample::admin(), &sample::email(), reason()).await;
        assert!(matches!(result, Err(UnlockError::NotLocked)));
    }
}
