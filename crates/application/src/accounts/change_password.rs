use comanda_domain::{
    Actor, Password,
    ports::{ChangePasswordError, PasswordChange},
};

use super::{Accounts, CheckPasswordError};

impl From<ChangePasswordError> for CheckPasswordError {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            // Another change was faster; the password that was given is not the current one any more.
            ChangePasswordError::Outdated => Self::InvalidCredentials,
            ChangePasswordError::Unavailable(source) => Self::Unavailable(source),
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
        new: Password,
    ) -> Result<(), CheckPasswordError> {
        let account = self.accounts.find_many(&[actor.account_id]).await?.pop();
        let account = account.ok_or(CheckPasswordError::InvalidCredentials)?;
        let known = self.passwords.check(&account.email, current).await?;
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

    async fn change(
        verification: Verification,
        changes: MockAccountChanges,
        closed: MockClosedSessions,
    ) -> Result<(), CheckPasswordError> {
        let mut stored = MockAccounts::new();
        stored.expect_find_many().returning(|_| Ok(vec![sample::customer()]));
        stored.expect_credentials().returning(|_| Ok(Some(sample::credentials())));
        let mut hasher = MockPasswordHasher::new();
        hasher.expect_verify().returning(move |_, _| Ok(verification));
        hasher.expect_hash().returning(|_| Ok(PasswordHash::new("new".to_owned())));
        let mut lockouts = MockLockouts::new();
        lockouts.expect_begin().returning(|_, _| Ok(Admission::Allowed));
        let outcome =
            if verification == Verification::Mismatch { AttemptOutcome::Failure } else { AttemptOutcome::Success };
        lockouts.expect_settle().withf(move |_, _, settled| *settled == outcome).returning(|_, _, _| Ok(()));
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
        let password = |text: &str| Password::attempt(text.to_owned()).unwrap();
        accounts.change_password(sample::actor(Role::Customer), password("current"), password("another one")).await
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
        assert!(change(Verification::Match { outdated: false }, changes, closed).await.is_ok());
    }

    #[tokio::test]
    async fn a_wrong_current_password_changes_nothing_and_counts_as_a_failed_sign_in() {
        let answer = change(Verification::Mismatch, MockAccountChanges::new(), MockClosedSessions::new()).await;
        assert!(matches!(answer, Err(CheckPasswordError::InvalidCredentials)));
    }

    #[tokio::test]
    async fn of_two_changes_at_once_the_later_one_is_refused() {
        let mut changes = MockAccountChanges::new();
        changes.expect_change_password().once().returning(|_| Err(ChangePasswordError::Outdated));
        let answer = change(Verification::Match { outdated: false }, changes, MockClosedSessions::new()).await;
        assert!(matches!(answer, Err(CheckPasswordError::InvalidCredentials)));
    }
}
