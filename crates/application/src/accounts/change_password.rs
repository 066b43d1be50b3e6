use comanda_domain::{Actor, Password};

use super::{Accounts, CheckPasswordError};

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
        let hash = self.passwords.hasher.hash(new).await?;
        // Read again: the check may have replaced the hash by a better one.
        let stored = self.accounts.credentials(&account.email).await?.map_or(known.password_hash, |c| c.password_hash);
        if !self.changes.replace_hash(account.id, &stored, &hash).await? {
            // Another change was faster; the password that was given is not the current one any more.
            return Err(CheckPasswordError::InvalidCredentials);
        }
        let ended = self.sessions.close_all_but(account.id, Some(actor.session_id), self.clock.now()).await?;
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
            self, Credentials, MockAccountChanges, MockAccounts, MockClosedSessions, MockLockouts, MockPasswordHasher,
            MockSessions, Verification,
        },
    };

    use super::*;
    use crate::{accounts::Passwords, sample};

    async fn change(
        verification: Verification,
        sessions: MockSessions,
        closed: MockClosedSessions,
    ) -> Result<(), CheckPasswordError> {
        let mut stored = MockAccounts::new();
        stored.expect_find_many().returning(|_| Ok(vec![sample::customer()]));
        let known = Credentials { account: sample::customer(), password_hash: sample::password_hash() };
        stored.expect_credentials().returning(move |_| Ok(Some(known.clone())));
        let mut changes = MockAccountChanges::new();
        changes.expect_replace_hash().returning(|_, old, _| Ok(*old == sample::password_hash()));
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
            sessions: Arc::new(sessions),
            closed_sessions: Arc::new(closed),
            ..sample::accounts()
        };
        let password = |text: &str| Password::attempt(text.to_owned()).unwrap();
        accounts.change_password(sample::actor(Role::Customer), password("current"), password("another one")).await
    }

    #[tokio::test]
    async fn the_other_sessions_end() {
        let (own, other) = (sample::actor(Role::Customer).session_id, SessionId::new(sample::menu_item().id.as_uuid()));
        let mut sessions = MockSessions::new();
        sessions
            .expect_close_all_but()
            .once()
            .withf(move |_, kept, _| *kept == Some(own))
            .returning(move |_, _, _| Ok(vec![other]));
        let mut closed = MockClosedSessions::new();
        closed.expect_announce().once().withf(move |ids| ids == [other]).returning(|_| ());
        assert!(change(Verification::Match { outdated: false }, sessions, closed).await.is_ok());
    }

    #[tokio::test]
    async fn a_wrong_current_password_changes_nothing_and_counts_as_a_failed_sign_in() {
        let result = change(Verification::Mismatch, MockSessions::new(), MockClosedSessions::new()).await;
        assert!(matches!(result, Err(CheckPasswordError::InvalidCredentials)));
    }
}
