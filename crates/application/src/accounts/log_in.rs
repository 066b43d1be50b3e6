use std::sync::Arc;

use comanda_domain::{
    account::Account,
    email::Email,
    password::Password,
    ports::{
        AccessToken, AccessTokens, Accounts, Clock, Credentials, HashPasswordError, PasswordHasher, Unavailable,
        Verification,
    },
};
use thiserror::Error;

/// Somebody who has proven who they are.
pub struct LoggedIn {
    pub account: Account,
    pub access_token: AccessToken,
}

/// Why nobody was signed in.
#[derive(Debug, Error)]
pub enum LogInError {
    /// Unknown address, wrong password or disabled account: the caller is not told which.
    #[error("the e-mail address or the password is wrong")]
    InvalidCredentials,
    #[error("the password hasher is busy")]
    Busy,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<HashPasswordError> for LogInError {
    fn from(error: HashPasswordError) -> Self {
        match error {
            HashPasswordError::Busy => Self::Busy,
            HashPasswordError::Unavailable(source) => Self::Unavailable(source),
        }
    }
}

/// Signs in with an e-mail address and a password.
pub struct LogIn {
    accounts: Arc<dyn Accounts>,
    hasher: Arc<dyn PasswordHasher>,
    tokens: Arc<dyn AccessTokens>,
    clock: Arc<dyn Clock>,
}

impl LogIn {
    pub fn new(
        accounts: Arc<dyn Accounts>,
        hasher: Arc<dyn PasswordHasher>,
        tokens: Arc<dyn AccessTokens>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { accounts, hasher, tokens, clock }
    }

    pub async fn execute(&self, email: &Email, password: Password) -> Result<LoggedIn, LogInError> {
        let credentials = self.accounts.credentials(email).await?;
        let hash = credentials.as_ref().map(|known| known.password_hash.clone());
        let verification = self.hasher.verify(password.clone(), hash).await?;

        let (Some(known), Verification::Match { outdated }) = (credentials, verification) else {
            return Err(LogInError::InvalidCredentials);
        };
        if known.account.disabled {
            return Err(LogInError::InvalidCredentials);
        }
        if outdated {
            self.strengthen(&known, password).await?;
        }
        let access_token = self.tokens.issue(&known.account, self.clock.now());
        Ok(LoggedIn { account: known.account, access_token })
    }

    /// The plain password is at hand only now, so this is when an old hash can be replaced. A hasher too busy for it is no
    /// reason to turn somebody away: there will be another sign-in.
    async fn strengthen(&self, known: &Credentials, password: Password) -> Result<(), LogInError> {
        match self.hasher.hash(password).await {
            Ok(better) => Ok(self.accounts.replace_hash(known.account.id, &known.password_hash, &better).await?),
            Err(HashPasswordError::Busy) => Ok(()),
            Err(HashPasswordError::Unavailable(source)) => Err(source.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::{
        password::PasswordHash,
        ports::{MockAccessTokens, MockAccounts, MockPasswordHasher},
    };

    use super::*;
    use crate::sample;

    fn attempt() -> Password {
        Password::attempt("correct horse battery".to_owned()).unwrap()
    }

    fn known(disabled: bool) -> Credentials {
        Credentials { account: Account { disabled, ..sample::customer() }, password_hash: sample::password_hash() }
    }

    fn log_in(accounts: MockAccounts, hasher: MockPasswordHasher) -> LogIn {
        let mut tokens = MockAccessTokens::new();
        tokens.expect_issue().returning(|_, _| AccessToken { token: "token".to_owned(), expires_in: 900 });
        LogIn::new(Arc::new(accounts), Arc::new(hasher), Arc::new(tokens), sample::clock())
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

    #[tokio::test]
    async fn the_right_password_gives_a_token() {
        let log_in = log_in(accounts_with(Some(known(false))), hasher_saying(Verification::Match { outdated: false }));
        let logged_in = log_in.execute(&sample::email(), attempt()).await.unwrap();
        assert_eq!((logged_in.account, logged_in.access_token.expires_in), (sample::customer(), 900));
    }

    #[tokio::test]
    async fn an_unknown_address_costs_a_verification_too_and_gets_the_same_answer() {
        let mut hasher = MockPasswordHasher::new();
        hasher.expect_verify().once().withf(|_, hash| hash.is_none()).returning(|_, _| Ok(Verification::Mismatch));
        let answer = log_in(accounts_with(None), hasher).execute(&sample::email(), attempt()).await;
        assert!(matches!(answer, Err(LogInError::InvalidCredentials)));

        let wrong = log_in(accounts_with(Some(known(false))), hasher_saying(Verification::Mismatch));
        assert!(matches!(wrong.execute(&sample::email(), attempt()).await, Err(LogInError::InvalidCredentials)));
    }

    #[tokio::test]
    async fn a_disabled_account_is_not_let_in() {
        let log_in = log_in(accounts_with(Some(known(true))), hasher_saying(Verification::Match { outdated: false }));
        assert!(matches!(log_in.execute(&sample::email(), attempt()).await, Err(LogInError::InvalidCredentials)));
    }

    #[tokio::test]
    async fn an_outdated_hash_is_replaced_when_the_hasher_has_time() {
        let better = || PasswordHash::new("better".to_owned());
        let mut hasher = hasher_saying(Verification::Match { outdated: true });
        hasher.expect_hash().once().returning(move |_| Ok(better()));
        let mut accounts = accounts_with(Some(known(false)));
        accounts
            .expect_replace_hash()
            .once()
            .withf(move |_, old, new| *old == sample::password_hash() && *new == better())
            .returning(|_, _, _| Ok(()));
        assert!(log_in(accounts, hasher).execute(&sample::email(), attempt()).await.is_ok());

        let mut busy = hasher_saying(Verification::Match { outdated: true });
        busy.expect_hash().once().returning(|_| Err(HashPasswordError::Busy));
        assert!(log_in(accounts_with(Some(known(false))), busy).execute(&sample::email(), attempt()).await.is_ok());
    }

    #[tokio::test]
    async fn a_busy_hasher_says_so() {
        let mut hasher = MockPasswordHasher::new();
        hasher.expect_verify().returning(|_, _| Err(HashPasswordError::Busy));
        let answer = log_in(accounts_with(Some(known(false))), hasher).execute(&sample::email(), attempt()).await;
        assert!(matches!(answer, Err(LogInError::Busy)));
    }
}
