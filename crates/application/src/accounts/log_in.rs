use std::sync::Arc;

use comanda_domain::{
    account::Account,
    email::Email,
    ids::SessionId,
    password::Password,
    ports::{AccessToken, AccessTokens, Audience, Clock, IdGenerator, RefreshTokens, Sessions, Unavailable},
    session::{NewSession, RefreshToken},
};

use super::{
    check_password::{CheckPassword, CheckPasswordError},
    session_terms::SessionTerms,
};

/// Somebody who has proven who they are.
pub struct LoggedIn {
    pub account: Account,
    pub access_token: AccessToken,
    pub refresh_token: RefreshToken,
}

/// Somebody who has proven who they are, in a browser.
pub struct LoggedInBrowser {
    pub account: Account,
    pub session_id: SessionId,
    pub session_token: AccessToken,
}

/// Signs in with an e-mail address and a password.
pub struct LogIn {
    check: CheckPassword,
    sessions: Arc<dyn Sessions>,
    access_tokens: Arc<dyn AccessTokens>,
    refresh_tokens: Arc<dyn RefreshTokens>,
    ids: Arc<dyn IdGenerator>,
    clock: Arc<dyn Clock>,
    terms: SessionTerms,
}

impl LogIn {
    pub fn new(
        check: CheckPassword,
        sessions: Arc<dyn Sessions>,
        access_tokens: Arc<dyn AccessTokens>,
        refresh_tokens: Arc<dyn RefreshTokens>,
        ids: Arc<dyn IdGenerator>,
        clock: Arc<dyn Clock>,
        terms: SessionTerms,
    ) -> Self {
        Self { check, sessions, access_tokens, refresh_tokens, ids, clock, terms }
    }

    /// For a client that keeps tokens. Must be driven to its end: see [`CheckPassword::execute`].
    pub async fn as_client(&self, email: &Email, password: Password) -> Result<LoggedIn, CheckPasswordError> {
        self.check.execute_then(email, password, async |known| Ok(self.open_for_client(known.account).await?)).await
    }

    async fn open_for_client(&self, account: Account) -> Result<LoggedIn, Unavailable> {
        let refresh_token = self.refresh_tokens.generate();
        let hash = self.refresh_tokens.hash(&refresh_token);
        let session = NewSession { refresh_token: Some(hash), ..self.session_of(&account, Audience::Client) };
        let access_token = self.access_tokens.issue(&account, session.id, Audience::Client, session.opened_at);
        self.sessions.open(session).await?;
        Ok(LoggedIn { account, access_token, refresh_token })
    }

    /// For a browser, whose cookie lasts as long as its session. Must be driven to its end as well.
    pub async fn as_browser(&self, email: &Email, password: Password) -> Result<LoggedInBrowser, CheckPasswordError> {
        self.check.execute_then(email, password, async |known| Ok(self.open_for_browser(known.account).await?)).await
    }

    async fn open_for_browser(&self, account: Account) -> Result<LoggedInBrowser, Unavailable> {
        let session = self.session_of(&account, Audience::Browser);
        let (session_id, opened_at) = (session.id, session.opened_at);
        self.sessions.open(session).await?;
        let session_token = self.access_tokens.issue(&account, session_id, Audience::Browser, opened_at);
        Ok(LoggedInBrowser { account, session_id, session_token })
    }

    fn session_of(&self, account: &Account, audience: Audience) -> NewSession {
        let lifetime = match audience {
            Audience::Client => self.terms.client,
            Audience::Browser => self.terms.browser,
        };
        let opened_at = self.clock.now();
        NewSession {
            id: SessionId::new(self.ids.generate()),
            account_id: account.id,
            opened_at,
            expires_at: opened_at + lifetime,
            refresh_token: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use comanda_domain::{
        lockout::Admission,
        ports::{
            Credentials, MockAccessTokens, MockAccounts, MockLockouts, MockPasswordHasher, MockRefreshTokens,
            MockSessions, Verification,
        },
        session::RefreshTokenHash,
    };

    use super::*;
    use crate::sample;

    fn check() -> CheckPassword {
        let mut accounts = MockAccounts::new();
        let known = Credentials { account: sample::customer(), password_hash: sample::password_hash() };
        accounts.expect_credentials().returning(move |_| Ok(Some(known.clone())));
        let mut hasher = MockPasswordHasher::new();
        hasher.expect_verify().returning(|_, _| Ok(Verification::Match { outdated: false }));
        let mut lockouts = MockLockouts::new();
        lockouts.expect_begin().returning(|_, _| Ok(Admission::Allowed));
        lockouts.expect_settle().returning(|_, _, _| Ok(()));
        CheckPassword::new(Arc::new(accounts), Arc::new(hasher), Arc::new(lockouts), sample::ids())
    }

    fn log_in(sessions: MockSessions) -> LogIn {
        let mut access_tokens = MockAccessTokens::new();
        access_tokens
            .expect_issue()
            .returning(|_, _, audience, _| AccessToken { token: format!("{audience:?}"), expires_in: 900 });
        let mut refresh_tokens = MockRefreshTokens::new();
        refresh_tokens.expect_generate().returning(|| RefreshToken::new("refresh".to_owned()));
        refresh_tokens.expect_hash().returning(|_| RefreshTokenHash::new([7; 32]));
        let terms = SessionTerms {
            client: Duration::from_secs(100),
            browser: Duration::from_secs(50),
            refresh_grace: Duration::from_secs(10),
        };
        let (access_tokens, refresh_tokens) = (Arc::new(access_tokens), Arc::new(refresh_tokens));
        LogIn::new(check(), Arc::new(sessions), access_tokens, refresh_tokens, sample::ids(), sample::clock(), terms)
    }

    fn password() -> Password {
        Password::attempt("correct horse battery".to_owned()).unwrap()
    }

    #[tokio::test]
    async fn a_clients_session_can_be_continued_and_only_a_hash_is_stored() {
        let mut sessions = MockSessions::new();
        sessions
            .expect_open()
            .once()
            .withf(|session| {
                session.refresh_token == Some(RefreshTokenHash::new([7; 32]))
                    && session.expires_at == sample::now() + Duration::from_secs(100)
            })
            .returning(|_| Ok(()));
        let logged_in = log_in(sessions).as_client(&sample::email(), password()).await.unwrap();
        assert_eq!((logged_in.access_token.token.as_str(), logged_in.refresh_token.expose()), ("Client", "refresh"));
    }

    #[tokio::test]
    async fn a_browsers_session_cannot() {
        let mut sessions = MockSessions::new();
        sessions
            .expect_open()
            .once()
            .withf(|session| {
                session.refresh_token.is_none() && session.expires_at == sample::now() + Duration::from_secs(50)
            })
            .returning(|_| Ok(()));
        let logged_in = log_in(sessions).as_browser(&sample::email(), password()).await.unwrap();
        assert_eq!(logged_in.session_token.token, "Browser");
    }
}
