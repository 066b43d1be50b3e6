use std::sync::Arc;

use chrono::TimeDelta;
use comanda_domain::{
    Admission, AttemptId, AttemptOutcome, Claimant, Email, Lock, Password, SecurityEvent, SecurityEventKind,
    SecurityOutcome,
    ports::{
        AccountChanges, Accounts, Clock, Credentials, HashPasswordError, IdGenerator, Lockouts, PasswordHasher,
        SecurityLog, Unavailable, Verification,
    },
};
use thiserror::Error;

/// Why a password was not accepted.
#[derive(Debug, Error)]
pub enum CheckPasswordError {
    /// Unknown address, wrong password or disabled account: the caller is not told which.
    #[error("the e-mail address or the password is wrong")]
    InvalidCredentials,
    /// Too many were wrong; the lock opens after `wait`. Addresses without an account lock just the same.
    #[error("the account is locked")]
    Locked { lock: Lock, wait: TimeDelta },
    /// Other attempts for this address took longer than anybody should wait.
    #[error("too many sign-ins for this address are under way")]
    TooManyAtOnce,
    #[error("the password hasher is busy")]
    Busy,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl CheckPasswordError {
    /// A name that never changes, for logs and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::InvalidCredentials => "mismatch",
            Self::Locked { .. } => "locked",
            Self::TooManyAtOnce => "too_many_at_once",
            Self::Busy => "busy",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// What the security log keeps of it.
    pub(crate) fn event(&self, kind: SecurityEventKind, email: &Email) -> SecurityEvent {
        let outcome = match self {
            Self::InvalidCredentials | Self::Locked { .. } | Self::TooManyAtOnce => SecurityOutcome::Refused,
            Self::Busy | Self::Unavailable(_) => SecurityOutcome::Failed,
        };
        SecurityEvent::new(kind, outcome).because(self.name()).of_address(email)
    }
}

impl From<HashPasswordError> for CheckPasswordError {
    fn from(error: HashPasswordError) -> Self {
        match error {
            HashPasswordError::Busy => Self::Busy,
            HashPasswordError::Unavailable(source) => Self::Unavailable(source),
        }
    }
}

/// The passwords of accounts, checked as the lockout policy allows: each attempt is announced before and settled after.
#[derive(Clone)]
pub struct Passwords {
    pub accounts: Arc<dyn Accounts>,
    pub changes: Arc<dyn AccountChanges>,
    pub hasher: Arc<dyn PasswordHasher>,
    pub lockouts: Arc<dyn Lockouts>,
    pub security: Arc<dyn SecurityLog>,
    pub ids: Arc<dyn IdGenerator>,
    pub clock: Arc<dyn Clock>,
}

impl Passwords {
    /// Finds the account with this address and password.
    ///
    /// Must be driven to its end even when nobody waits for it any more: an attempt that is never settled counts as a
    /// failure.
    pub async fn check(&self, claimant: &Claimant, password: Password) -> Result<Credentials, CheckPasswordError> {
        self.check_then(claimant, password, async |known| Ok(known)).await
    }

    /// Does something for the account whose password was right, while the attempt is settled.
    pub async fn check_then<T>(
        &self,
        claimant: &Claimant,
        password: Password,
        next: impl AsyncFnOnce(Credentials) -> Result<T, CheckPasswordError>,
    ) -> Result<T, CheckPasswordError> {
        let id = AttemptId::new(self.ids.generate());
        match self.lockouts.begin(claimant, id).await? {
            Admission::Allowed => {}
            Admission::Busy => return Err(CheckPasswordError::TooManyAtOnce),
            Admission::Locked(lock) => {
                return Err(CheckPasswordError::Locked { lock, wait: lock.unlock_at - self.clock.now() });
            }
        }
        let checked = self.check_now(&claimant.email, password).await;
        let outcome = match &checked {
            Ok(_) => AttemptOutcome::Success,
            Err(CheckPasswordError::InvalidCredentials) => AttemptOutcome::Failure,
            Err(_) => AttemptOutcome::NotChecked,
        };
        let settle = self.lockouts.settle(claimant, id, outcome);
        let next = async { next(checked?).await };
        let (settled, done) = futures_util::join!(settle, next);
        if let Some(lock) = settled? {
            let reason = if claimant.device.is_some() { "known_device" } else { lock.reason().as_str() };
            let event = SecurityEvent::new(SecurityEventKind::Lock, SecurityOutcome::Success);
            self.security.record(event.because(reason).of_address(&claimant.email));
        }
        done
    }

    async fn check_now(&self, email: &Email, password: Password) -> Result<Credentials, CheckPasswordError> {
        let credentials = self.accounts.credentials(email).await?;
        let hash = credentials.as_ref().map(|known| known.password_hash.clone());
        let verification = self.hasher.verify(password.clone(), hash).await?;
        let (Some(known), Verification::Match { outdated }) = (credentials, verification) else {
            return Err(CheckPasswordError::InvalidCredentials);
        };
        if known.account.disabled {
            return Err(CheckPasswordError::InvalidCredentials);
        }
        if outdated {
            self.replace_outdated_hash(&known, password).await?;
        }
        Ok(known)
    }

    /// Only now is the plain password at hand, so this is when an outdated hash can be replaced. A hasher too busy for
    /// it is no reason to turn somebody away: there will be another sign-in.
    async fn replace_outdated_hash(&self, known: &Credentials, password: Password) -> Result<(), CheckPasswordError> {
        match self.hasher.hash(password).await {
            Ok(better) => {
                self.changes.replace_hash(known.account.id, &known.password_hash, &better).await?;
                Ok(())
            }
            Err(HashPasswordError::Busy) => Ok(()),
            Err(HashPasswordError::Unavailable(source)) => Err(source.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::{
        Account, PasswordHash,
        ports::{MockAccountChanges, MockAccounts, MockLockouts, MockPasswordHasher},
    };

    use super::*;
    use crate::sample;

    fn attempt() -> Password {
        Password::attempt("correct horse battery".to_owned()).unwrap()
    }

    fn known(disabled: bool) -> Credentials {
        Credentials { account: Account { disabled, ..sample::customer() }, ..sample::credentials() }
    }

    fn accounts_with(credentials: Option<Credentials>) -> MockAccounts {
        let mut accounts = MockAccounts::new();
        accounts.expect_credentials().returning(move |_| Ok(credentials.clone()));
        accounts
    }

    fn hasher_saying(verification: Verification) -> MockPasswordHasher {
        let mut hasher = MockPasswordHasher::new();
        hasher.expect_verify().once().returning(move |_, _| Ok(verification));
        hasher
    }

    /// Admits the attempt and demands that it is settled with this outcome.
    fn lockouts_settled(outcome: AttemptOutcome) -> MockLockouts {
        let mut lockouts = MockLockouts::new();
        lockouts.expect_begin().once().returning(|_, _| Ok(Admission::Allowed));
        lockouts.expect_settle().once().withf(move |_, _, settled| *settled == outcome).returning(|_, _, _| Ok(None));
        lockouts
    }

    async fn check(
        accounts: MockAccounts,
        hasher: MockPasswordHasher,
        lockouts: MockLockouts,
    ) -> Result<Credentials, CheckPasswordError> {
        check_replacing(MockAccountChanges::new(), accounts, hasher, lockouts).await
    }

    async fn check_replacing(
        changes: MockAccountChanges,
        accounts: MockAccounts,
        hasher: MockPasswordHasher,
        lockouts: MockLockouts,
    ) -> Result<Credentials, CheckPasswordError> {
        let passwords = Passwords {
            accounts: Arc::new(accounts),
            changes: Arc::new(changes),
            hasher: Arc::new(hasher),
            lockouts: Arc::new(lockouts),
            ..sample::passwords()
        };
        passwords.check(&sample::claimant(), attempt()).await
    }

    #[tokio::test]
    async fn the_right_password_is_a_success() {
        let hasher = hasher_saying(Verification::Match { outdated: false });
        let found = check(accounts_with(Some(known(false))), hasher, lockouts_settled(AttemptOutcome::Success)).await;
        assert_eq!(found.unwrap().account, sample::customer());
    }

    #[tokio::test]
    async fn a_wrong_one_a_disabled_account_and_an_unknown_address_are_failures_that_look_alike() {
        let wrong = hasher_saying(Verification::Mismatch);
        let mut unknown = MockPasswordHasher::new();
        unknown.expect_verify().once().withf(|_, hash| hash.is_none()).returning(|_, _| Ok(Verification::Mismatch));
        let right = hasher_saying(Verification::Match { outdated: false });
        for (credentials, hasher) in [(Some(known(false)), wrong), (None, unknown), (Some(known(true)), right)] {
            let result = check(accounts_with(credentials), hasher, lockouts_settled(AttemptOutcome::Failure)).await;
            assert!(matches!(result, Err(CheckPasswordError::InvalidCredentials)));
        }
    }

    #[tokio::test]
    async fn a_locked_address_is_not_checked_at_all() {
        let lock = Lock {
            attempts: 5,
            level: 1,
            first_failed_at: sample::now(),
            locked_at: sample::now(),
            unlock_at: sample::now() + TimeDelta::seconds(90),
        };
        let mut lockouts = MockLockouts::new();
        lockouts.expect_begin().once().returning(move |_, _| Ok(Admission::Locked(lock)));
        let result = check(MockAccounts::new(), MockPasswordHasher::new(), lockouts).await;
        assert!(matches!(result, Err(CheckPasswordError::Locked { wait, .. }) if wait == TimeDelta::seconds(90)));
    }

    #[tokio::test]
    async fn a_password_that_was_never_checked_counts_for_nothing() {
        let mut busy = MockPasswordHasher::new();
        busy.expect_verify().returning(|_, _| Err(HashPasswordError::Busy));
        let lockouts = lockouts_settled(AttemptOutcome::NotChecked);
        let result = check(accounts_with(Some(known(false))), busy, lockouts).await;
        assert!(matches!(result, Err(CheckPasswordError::Busy)));

        let mut accounts = MockAccounts::new();
        accounts.expect_credentials().returning(|_| Err(Unavailable::new("gone")));
        let result = check(accounts, MockPasswordHasher::new(), lockouts_settled(AttemptOutcome::NotChecked)).await;
        assert!(matches!(result, Err(CheckPasswordError::Unavailable(_))));
    }

    #[tokio::test]
    async fn an_outdated_hash_is_replaced_when_the_hasher_has_time() {
        let better = || PasswordHash::new("better".to_owned());
        let mut hasher = hasher_saying(Verification::Match { outdated: true });
        hasher.expect_hash().once().returning(move |_| Ok(better()));
        let mut changes = MockAccountChanges::new();
        changes
            .expect_replace_hash()
            .once()
            .withf(move |_, old, new| *old == sample::password_hash() && *new == better())
            .returning(|_, _, _| Ok(true));
        let (accounts, settled) = (accounts_with(Some(known(false))), lockouts_settled(AttemptOutcome::Success));
        assert!(check_replacing(changes, accounts, hasher, settled).await.is_ok());

        let mut busy = hasher_saying(Verification::Match { outdated: true });
        busy.expect_hash().once().returning(|_| Err(HashPasswordError::Busy));
        let found = check(accounts_with(Some(known(false))), busy, lockouts_settled(AttemptOutcome::Success)).await;
        assert!(found.is_ok());
    }

    #[tokio::test]
    async fn a_failure_that_locks_is_an_event_of_its_own() {
        use comanda_domain::ports::MockSecurityLog;

        let lock = Lock {
            attempts: 5,
            level: 1,
            first_failed_at: sample::now(),
            locked_at: sample::now(),
            unlock_at: sample::now(),
        };
        let mut lockouts = MockLockouts::new();
        lockouts.expect_begin().returning(|_, _| Ok(Admission::Allowed));
        lockouts.expect_settle().returning(move |_, _, _| Ok(Some(lock)));
        let mut security = MockSecurityLog::new();
        security
            .expect_record()
            .once()
            .withf(|event| event.kind == SecurityEventKind::Lock && event.reason == Some("too_many_failures"))
            .returning(|_| ());
        let passwords = Passwords {
            accounts: Arc::new(accounts_with(Some(known(false)))),
            hasher: Arc::new(hasher_saying(Verification::Mismatch)),
            lockouts: Arc::new(lockouts),
            security: Arc::new(security),
            ..sample::passwords()
        };
        assert!(passwords.check(&sample::claimant(), attempt()).await.is_err());
    }
}
