use comanda_domain::{
    Account, AccountId, ChosenPassword, MailToken, MailTokenHash, MailTokenRefusal, PasswordError, SecurityEvent,
    SecurityEventKind, SecurityOutcome, TokenPurpose,
    ports::{HashPasswordError, MailTokenError, ResetAccount, Unavailable},
};
use thiserror::Error;

use super::Accounts;

/// Why a password was not reset.
#[derive(Debug, Error)]
pub enum ResetPasswordError {
    #[error("the token {0}")]
    Refused(MailTokenRefusal),
    /// The new password does not suit the account.
    #[error(transparent)]
    New(#[from] PasswordError),
    #[error("the password hasher is busy")]
    Busy,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<MailTokenError> for ResetPasswordError {
    fn from(error: MailTokenError) -> Self {
        match error {
            MailTokenError::Refused(why) => Self::Refused(why),
            MailTokenError::Unavailable(source) => Self::Unavailable(source),
        }
    }
}

impl From<HashPasswordError> for ResetPasswordError {
    fn from(error: HashPasswordError) -> Self {
        match error {
            HashPasswordError::Busy => Self::Busy,
            HashPasswordError::Unavailable(source) => Self::Unavailable(source),
        }
    }
}

impl ResetPasswordError {
    const fn reason(&self) -> (SecurityOutcome, &'static str) {
        match self {
            Self::Refused(_) => (SecurityOutcome::Refused, "invalid_mail_token"),
            Self::New(_) => (SecurityOutcome::Refused, "unsuitable_password"),
            Self::Busy => (SecurityOutcome::Failed, "busy"),
            Self::Unavailable(_) => (SecurityOutcome::Failed, "unavailable"),
        }
    }
}

impl Accounts {
    /// Gives the account that a token was mailed to another password, ends all of its sessions, and lifts its lock.
    /// Must be driven to its end, so that every server hears of it at once.
    ///
    /// The token is looked at before the password is hashed, so that only somebody who has one costs that work.
    pub async fn reset_password(
        &self,
        token: &MailToken,
        signed_in: Option<AccountId>,
        new: ChosenPassword,
    ) -> Result<(), ResetPasswordError> {
        let reset = self.check_and_reset(token, signed_in, new).await;
        let kind = SecurityEventKind::PasswordReset;
        let reset = match reset {
            Ok(reset) => reset,
            Err(error) => {
                let (outcome, reason) = error.reason();
                self.security.record(SecurityEvent::new(kind, outcome).because(reason));
                return Err(error);
            }
        };
        self.security.record(SecurityEvent::new(kind, SecurityOutcome::Success).of_account(reset.id));
        self.mail_work.wake();
        self.closed_sessions.announce(&reset.ended).await;
        let lifted = async {
            self.passwords.lockouts.unlock(&reset.email).await?;
            self.mails.lock_lifted(&reset.email).await
        };
        if lifted.await.is_err() {
            // The password is reset all the same. The lock stays recorded; the worker that sends mails lifts it, and
            // reports why it cannot.
            self.mail_work.wake();
        }
        Ok(())
    }

    /// The account that a token was mailed to, if the token counts, and nobody else is signed in.
    pub(super) async fn find_by_token(
        &self,
        hash: MailTokenHash,
        purpose: TokenPurpose,
        signed_in: Option<AccountId>,
    ) -> Result<Account, MailTokenError> {
        let account = self.mails.check_token(hash, purpose, self.clock.now()).await?;
        match signed_in {
            Some(other) if other != account.id => Err(MailTokenError::Refused(MailTokenRefusal::Foreign)),
            _ => Ok(account),
        }
    }

    async fn check_and_reset(
        &self,
        token: &MailToken,
        signed_in: Option<AccountId>,
        new: ChosenPassword,
    ) -> Result<ResetAccount, ResetPasswordError> {
        let hash = self.mail_tokens.hash(token);
        let account = self.find_by_token(hash, TokenPurpose::PasswordReset, signed_in).await?;
        let password = new.for_account(&account.email, &account.name)?;
        let password = self.passwords.hasher.hash(password).await?;
        Ok(self.mails.reset_password(hash, password, self.clock.now()).await?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{
        Password, PersonName, SessionId,
        ports::{MockClosedSessions, MockLockouts, MockMailTokens, MockMails, MockPasswordHasher, MockWorkQueue},
    };

    use super::*;
    use crate::{accounts::Passwords, sample};

    fn accounts(mails: MockMails, hasher: MockPasswordHasher, lockouts: MockLockouts) -> Accounts {
        let mut tokens = MockMailTokens::new();
        tokens.expect_hash().returning(|_| MailTokenHash::new([7; 32]));
        let passwords = Passwords { hasher: Arc::new(hasher), lockouts: Arc::new(lockouts), ..sample::passwords() };
        Accounts { mails: Arc::new(mails), mail_tokens: Arc::new(tokens), passwords, ..sample::accounts() }
    }

    fn token() -> MailToken {
        MailToken::new(&"t".repeat(MailToken::LENGTH)).unwrap()
    }

    fn password() -> ChosenPassword {
        Password::choose("correct horse battery".to_owned()).unwrap()
    }

    #[tokio::test]
    async fn the_sessions_that_end_are_announced_and_the_lock_is_lifted() {
        let ended = SessionId::new(sample::menu_item().id.as_uuid());
        let mut mails = MockMails::new();
        mails.expect_check_token().returning(|_, _, _| Ok(sample::customer()));
        mails.expect_reset_password().once().returning(move |_, _, _| {
            Ok(ResetAccount { id: sample::customer().id, email: sample::email(), ended: vec![ended] })
        });
        mails.expect_lock_lifted().once().returning(|_| Ok(()));
        let mut hasher = MockPasswordHasher::new();
        hasher.expect_hash().returning(|_| Ok(sample::password_hash()));
        let mut lockouts = MockLockouts::new();
        lockouts.expect_unlock().once().withf(|email| *email == sample::email()).returning(|_| Ok(()));
        let mut closed = MockClosedSessions::new();
        closed.expect_announce().once().withf(move |ids| ids == [ended]).returning(|_| ());
        let mut work = MockWorkQueue::new();
        work.expect_wake().once().return_const(());
        let accounts = Accounts {
            closed_sessions: Arc::new(closed),
            mail_work: Arc::new(work),
            ..accounts(mails, hasher, lockouts)
        };
        accounts.reset_password(&token(), None, password()).await.unwrap();
    }

    #[tokio::test]
    async fn a_token_that_does_not_count_costs_no_hash() {
        let mut mails = MockMails::new();
        mails.expect_check_token().returning(|_, _, _| Err(MailTokenError::Refused(MailTokenRefusal::Expired)));
        let accounts = accounts(mails, MockPasswordHasher::new(), MockLockouts::new());
        let refused = accounts.reset_password(&token(), None, password()).await;
        assert!(matches!(refused, Err(ResetPasswordError::Refused(MailTokenRefusal::Expired))));
    }

    #[tokio::test]
    async fn a_password_that_whoever_knows_the_account_would_guess_costs_no_hash() {
        let mut mails = MockMails::new();
        let named = Account { name: PersonName::new("Ferdinand Ostrowski").unwrap(), ..sample::customer() };
        mails.expect_check_token().returning(move |_, _, _| Ok(named.clone()));
        let accounts = accounts(mails, MockPasswordHasher::new(), MockLockouts::new());
        let new = Password::choose("ferdinandostrowski".to_owned()).unwrap();
        let refused = accounts.reset_password(&token(), None, new).await;
        assert!(matches!(refused, Err(ResetPasswordError::New(PasswordError::TooPersonal))), "{refused:?}");
    }
}
