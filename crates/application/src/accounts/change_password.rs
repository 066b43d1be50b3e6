use comanda_domain::{
    Account, Actor, ChosenPassword, Claimant, DeviceId, Password, PasswordError, SecurityEvent, SecurityEventKind,
    SecurityOutcome,
    ports::{self, PasswordChange, Unavailable},
};
use thiserror::Error;

use super::{Accounts, CheckPasswordError};

/// Why a password was not changed.
#[derive(Debug, Error)]
pub enum ChangePasswordError {
    /// The current one was not accepted.
    #[error(transparent)]
    Current(#[from] CheckPasswordError),
    /// The new one does not suit the account.
    #[error(transparent)]
    New(#[from] PasswordError),
}

impl From<Unavailable> for ChangePasswordError {
    fn from(cause: Unavailable) -> Self {
        Self::Current(cause.into())
    }
}

impl From<ports::ChangePasswordError> for CheckPasswordError {
    fn from(error: ports::ChangePasswordError) -> Self {
        match error {
            // Another change was faster; the password that was given is not the current one any more.
            ports::ChangePasswordError::Outdated => Self::InvalidCredentials,
            ports::ChangePasswordError::Unavailable(source) => Self::Unavailable(source),
        }
    }
}

impl Accounts {
    /// Gives an account another password, and ends its other sessions: whoever knew the old password is out.
    ///
    /// The current password is asked for, and guessing it is limited, because a session may be stolen. Must be driven
    /// to its end: see [`Passwords::check`](super::Passwords::check).
    pub async fn change_password(
        &self,
        actor: Actor,
        current: Password,
        new: ChosenPassword,
    ) -> Result<(), ChangePasswordError> {
        let account =
            self.accounts.find_many(&[actor.account_id]).await?.pop().transpose().map_err(Unavailable::from)?;
        let account = account.ok_or(CheckPasswordError::InvalidCredentials)?;
        let new = new.for_account(&account.email, &account.name)?;
        let changed = self.check_and_replace(actor, &account, current, new).await;
        let event = match &changed {
            Ok(()) => SecurityEvent::new(SecurityEventKind::PasswordChange, SecurityOutcome::Success),
            Err(error) => error.event(SecurityEventKind::PasswordChange, &account.email),
        };
        self.security.record(event.of_account(account.id).in_session(actor.session_id));
        Ok(changed?)
    }

    async fn check_and_replace(
        &self,
        actor: Actor,
        account: &Account,
        current: Password,
        new: Password,
    ) -> Result<(), CheckPasswordError> {
        // Who is signed in has shown to be no stranger: strangers' failures do not count here, and neither do failures
        // here lock anybody out elsewhere.
        let claimant = Claimant::known(account.email.clone(), DeviceId::new(actor.session_id.as_uuid()));
        let known = self.passwords.check(&claimant, current).await?;
        let change = PasswordChange {
            account_id: account.id,
            known: known.version,
            password_hash: self.passwords.hasher.hash(new).await?,
            kept: Some(actor.session_id),
            at: self.clock.now(),
        };
        let ended = self.changes.change_password(change).await?;
        self.closed_sessions.announce(&ended).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{
        Admission, AttemptOutcome, PasswordHash, Role, SessionId,
        ports::{
            self, MockAccountChanges, MockAccounts, MockClosedSessions, MockLockouts, MockPasswordHasher, Verification,
        },
    };

    use super::*;
    use crate::{accounts::Passwords, sample};

    const NEW: &str = "another long password";

    async fn change(
        new: &str,
        verification: Verification,
        changes: MockAccountChanges,
        closed: MockClosedSessions,
    ) -> Result<(), ChangePasswordError> {
        let mut stored = MockAccounts::new();
        stored.expect_find_many().returning(|_| Ok(vec![Ok(sample::customer())]));
        stored.expect_credentials().returning(|_| Ok(Some(sample::credentials())));
        let mut hasher = MockPasswordHasher::new();
        hasher.expect_verify().returning(move |_, _| Ok(verification));
        hasher.expect_hash().returning(|_| Ok(PasswordHash::new("new".to_owned())));
        let mut lockouts = MockLockouts::new();
        lockouts.expect_begin().returning(|_, _| Ok(Admission::Allowed));
        let session = sample::actor(Role::Customer).session_id.as_uuid();
        let outcome =
            if verification == Verification::Mismatch { AttemptOutcome::Failure } else { AttemptOutcome::Success };
        lockouts
            .expect_settle()
            .withf(move |claimant, _, settled| claimant.device == Some(DeviceId::new(session)) && *settled == outcome)
            .returning(|_, _, _| Ok(None));
        let stored: Arc<dyn ports::Accounts> = Arc::new(stored);
        let passwords = Passwords {
            accounts: stored.clone(),
            hasher: Arc::new(hasher),
            lockouts: Arc::new(lockouts),
            ..sample::passwords()
        };
        let accounts = Accounts {
            accounts: stored,
            changes: Arc::new(changes),
            passwords,
            closed_sessions: Arc::new(closed),
            ..sample::accounts()
        };
        let current = Password::attempt("current".to_owned()).unwrap();
        let new = Password::choose(new.to_owned()).unwrap();
        accounts.change_password(sample::actor(Role::Customer), current, new).await
    }

    #[tokio::test]
    async fn the_credentials_that_were_checked_are_replaced_and_the_other_sessions_end() {
        let (own, other) = (sample::actor(Role::Customer).session_id, SessionId::new(sample::menu_item().id.as_uuid()));
        let mut changes = MockAccountChanges::new();
        changes
            .expect_change_password()
            .once()
            .withf(move |change| change.kept == Some(own) && change.known == sample::credentials().version)
            .returning(move |_| Ok(vec![other]));
        let mut closed = MockClosedSessions::new();
        closed.expect_announce().once().withf(move |ids| ids == [other]).returning(|_| ());
        assert!(change(NEW, Verification::Match { outdated: false }, changes, closed).await.is_ok());
    }

    #[tokio::test]
    async fn a_wrong_current_password_changes_nothing_and_counts_as_a_failed_sign_in() {
        let answer = change(NEW, Verification::Mismatch, MockAccountChanges::new(), MockClosedSessions::new()).await;
        assert!(matches!(answer, Err(ChangePasswordError::Current(CheckPasswordError::InvalidCredentials))));
    }

    #[tokio::test]
    async fn the_accounts_own_address_is_no_password() {
        let right = Verification::Match { outdated: false };
        let answer = change("ana@example.org!", right, MockAccountChanges::new(), MockClosedSessions::new()).await;
        assert!(matches!(answer, Err(ChangePasswordError::New(PasswordError::TooPersonal))));
    }

    #[tokio::test]
    async fn of_two_changes_at_once_the_later_one_is_refused() {
        let mut changes = MockAccountChanges::new();
        changes.expect_change_password().once().returning(|_| Err(ports::ChangePasswordError::Outdated));
        let answer = change(NEW, Verification::Match { outdated: false }, changes, MockClosedSessions::new()).await;
        assert!(matches!(answer, Err(ChangePasswordError::Current(CheckPasswordError::InvalidCredentials))));
    }
}
