use comanda_domain::{
    Account, Claimant, NewSession, Password, RefreshToken, SecurityEvent, SecurityEventKind, SecurityOutcome,
    SessionId, SessionOrigin,
    ports::{AccessToken, Audience, Credentials, OpenSessionError, TokenSession},
};

use super::Sessions;
use crate::accounts::CheckPasswordError;

/// A session of a client that keeps tokens.
pub struct ClientSession {
    pub account: Account,
    pub access_token: AccessToken,
    pub refresh_token: RefreshToken,
}

/// A session of a browser, which keeps it in cookies.
pub struct BrowserSession {
    pub account: Account,
    pub session_id: SessionId,
    pub session_token: AccessToken,
}

impl From<OpenSessionError> for CheckPasswordError {
    fn from(error: OpenSessionError) -> Self {
        match error {
            // What was checked is not true any more; it was when the attempt was settled.
            OpenSessionError::Outdated => Self::InvalidCredentials,
            OpenSessionError::Unavailable(source) => Self::Unavailable(source),
        }
    }
}

impl Sessions {
    /// Signs in a client that keeps tokens. Must be driven to its end: see
    /// [`Passwords::check`](crate::accounts::Passwords::check).
    pub async fn sign_in(
        &self,
        claimant: &Claimant,
        password: Password,
        origin: SessionOrigin,
    ) -> Result<ClientSession, CheckPasswordError> {
        let open = async |known: Credentials| self.open_for_client(known, origin).await;
        let opened = self.passwords.check_then(claimant, password, open).await;
        opened.inspect_err(|error| self.record_refusal(claimant, error))
    }

    /// Signs in a browser, whose cookie lasts as long as its session. The session that it has had until then,
    /// `replaces`, ends. Must be driven to its end as well.
    pub async fn sign_in_browser(
        &self,
        claimant: &Claimant,
        password: Password,
        origin: SessionOrigin,
        replaces: Option<SessionId>,
    ) -> Result<BrowserSession, CheckPasswordError> {
        let open = async |known: Credentials| self.open_for_browser(known, origin, replaces).await;
        let opened = self.passwords.check_then(claimant, password, open).await;
        opened.inspect_err(|error| self.record_refusal(claimant, error))
    }

    fn record_refusal(&self, claimant: &Claimant, error: &CheckPasswordError) {
        self.security.record(error.event(SecurityEventKind::SignIn, &claimant.email));
    }

    fn record_success(&self, account: &Account, session_id: SessionId) {
        let event = SecurityEvent::new(SecurityEventKind::SignIn, SecurityOutcome::Success);
        self.security.record(event.of_account(account.id).in_session(session_id));
    }

    async fn open_for_client(
        &self,
        known: Credentials,
        origin: SessionOrigin,
    ) -> Result<ClientSession, CheckPasswordError> {
        let session = self.session_of(&known, origin, Audience::Client);
        let session_id = session.id;
        let refresh_token = self.refresh_tokens.generate(session_id);
        let session = NewSession { refresh_token: Some(self.refresh_tokens.hash(&refresh_token)), ..session };
        let account = known.account;
        let token_session = TokenSession { id: session_id, ends_at: session.expires_at };
        let access_token = self.access_tokens.issue(&account, token_session, Audience::Client, session.opened_at)?;
        self.open(session).await?;
        self.record_success(&account, session_id);
        Ok(ClientSession { account, access_token, refresh_token })
    }

    async fn open_for_browser(
        &self,
        known: Credentials,
        origin: SessionOrigin,
        replaces: Option<SessionId>,
    ) -> Result<BrowserSession, CheckPasswordError> {
        let session = NewSession { replaces, ..self.session_of(&known, origin, Audience::Browser) };
        let account = known.account;
        let (session_id, opened_at) = (session.id, session.opened_at);
        let token_session = TokenSession { id: session_id, ends_at: session.expires_at };
        let session_token = self.access_tokens.issue(&account, token_session, Audience::Browser, opened_at)?;
        self.open(session).await?;
        self.record_success(&account, session_id);
        Ok(BrowserSession { account, session_id, session_token })
    }

    async fn open(&self, session: NewSession) -> Result<(), CheckPasswordError> {
        let account_id = session.account_id;
        let ended = self.sessions.open(session, self.terms.per_account).await?;
        self.closed_sessions.announce(&ended).await;
        self.record_end(account_id, &ended, "replaced");
        Ok(())
    }

    fn session_of(&self, known: &Credentials, origin: SessionOrigin, audience: Audience) -> NewSession {
        let lifetime = match audience {
            Audience::Client => self.terms.client,
            Audience::Browser => self.terms.browser,
        };
        let opened_at = self.clock.now();
        NewSession {
            id: SessionId::new(self.ids.generate()),
            account_id: known.account.id,
            credentials: known.version,
            opened_at,
            expires_at: opened_at + lifetime,
            idle_at: (audience == Audience::Browser).then(|| opened_at + self.terms.browser_idle),
            refresh_token: None,
            origin,
            replaces: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use comanda_domain::{
        Admission, RefreshTokenHash,
        ports::{
            MockAccessTokens, MockAccounts, MockClosedSessions, MockLockouts, MockPasswordHasher, MockRefreshTokens,
            MockSessions, Verification,
        },
    };

    use super::*;
    use crate::{accounts::Passwords, sample};

    fn passwords() -> Passwords {
        let mut accounts = MockAccounts::new();
        accounts.expect_credentials().returning(move |_| Ok(Some(sample::credentials())));
        let mut hasher = MockPasswordHasher::new();
        hasher.expect_verify().returning(|_, _| Ok(Verification::Match { outdated: false }));
        let mut lockouts = MockLockouts::new();
        lockouts.expect_begin().returning(|_, _| Ok(Admission::Allowed));
        lockouts.expect_settle().returning(|_, _, _| Ok(None));
        Passwords {
            accounts: Arc::new(accounts),
            hasher: Arc::new(hasher),
            lockouts: Arc::new(lockouts),
            ..sample::passwords()
        }
    }

    /// What ends is announced, if only nothing.
    fn sessions(stored: MockSessions, ended: Vec<SessionId>) -> Sessions {
        let mut closed = MockClosedSessions::new();
        closed.expect_announce().withf(move |ids| ids == ended).returning(|_| ());
        let mut access_tokens = MockAccessTokens::new();
        access_tokens
            .expect_issue()
            .returning(|_, _, audience, _| Ok(AccessToken { token: format!("{audience:?}"), expires_in: 900 }));
        let mut refresh_tokens = MockRefreshTokens::new();
        refresh_tokens.expect_generate().returning(|_| RefreshToken::new("refresh".to_owned()));
        refresh_tokens.expect_hash().returning(|_| RefreshTokenHash::new([7; 32]));
        Sessions {
            sessions: Arc::new(stored),
            closed_sessions: Arc::new(closed),
            passwords: passwords(),
            access_tokens: Arc::new(access_tokens),
            refresh_tokens: Arc::new(refresh_tokens),
            ..sample::sessions()
        }
    }

    fn password() -> Password {
        Password::attempt("correct horse battery".to_owned()).unwrap()
    }

    #[tokio::test]
    async fn a_clients_session_can_be_refreshed_and_only_a_hash_is_stored() {
        let mut stored = MockSessions::new();
        stored
            .expect_open()
            .once()
            .withf(|session, at_most| {
                *at_most == 4
                    && session.idle_at.is_none()
                    && session.refresh_token == Some(RefreshTokenHash::new([7; 32]))
                    && session.credentials == sample::credentials().version
                    && session.expires_at == sample::now() + Duration::from_secs(100)
            })
            .returning(|_, _| Ok(Vec::new()));
        let opened =
            sessions(stored, Vec::new()).sign_in(&sample::claimant(), password(), sample::origin()).await.unwrap();
        assert_eq!((opened.access_token.token.as_str(), opened.refresh_token.expose()), ("Client", "refresh"));
    }

    #[tokio::test]
    async fn a_browsers_session_replaces_the_one_before_and_cannot_be_refreshed_by_a_token() {
        let before = SessionId::new(sample::menu_item().id.as_uuid());
        let mut stored = MockSessions::new();
        stored
            .expect_open()
            .once()
            .withf(move |session, _| {
                session.refresh_token.is_none()
                    && session.replaces == Some(before)
                    && session.expires_at == sample::now() + Duration::from_secs(50)
                    && session.idle_at == Some(sample::now() + Duration::from_secs(30))
            })
            .returning(move |_, _| Ok(vec![before]));
        let opened = sessions(stored, vec![before])
            .sign_in_browser(&sample::claimant(), password(), sample::origin(), Some(before))
            .await
            .unwrap();
        assert_eq!(opened.session_token.token, "Browser");
    }

    #[tokio::test]
    async fn credentials_that_changed_during_the_check_open_nothing() {
        let mut stored = MockSessions::new();
        stored.expect_open().once().returning(|_, _| Err(OpenSessionError::Outdated));
        let refused = sessions(stored, Vec::new()).sign_in(&sample::claimant(), password(), sample::origin()).await;
        assert!(matches!(refused, Err(CheckPasswordError::InvalidCredentials)));
    }
}
