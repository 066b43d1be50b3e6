use chrono::TimeDelta;
use comanda_domain::{
    RefreshToken, SecurityEvent, SecurityEventKind, SecurityOutcome,
    ports::{Audience, RotateError, Rotated, Rotation, Successor, TokenClaim, TokenSession, Unavailable},
};
use thiserror::Error;

use super::{ClientSession, Sessions};

/// Why a session was not refreshed.
#[derive(Debug, Error)]
pub enum RefreshSessionError {
    /// This is not a refresh token of ours.
    #[error("not a refresh token")]
    Unknown,
    /// The session has ended, or the token was used before.
    #[error("the session is closed")]
    SessionClosed,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Sessions {
    /// Exchanges a refresh token for the next access token and the refresh token's successor. Must be driven to its
    /// end: a token that was used before closes its session, and every server should hear of it at once.
    pub async fn refresh(&self, token: &RefreshToken) -> Result<ClientSession, RefreshSessionError> {
        let now = self.clock.now();
        let presented = self.refresh_tokens.hash(token);
        let said = self.refresh_tokens.session_of(token);
        let session_id = match said {
            TokenClaim::Session(id) => id,
            // Tokens of earlier releases do not say it themselves.
            TokenClaim::Nothing => self.sessions.session_of(presented).await?.ok_or(RefreshSessionError::Unknown)?,
            // Whoever has forgotten a key that leaked wants nothing that it has made to be good any more.
            TokenClaim::Foreign => return Err(RefreshSessionError::Unknown),
        };
        let successor = self.refresh_tokens.generate(session_id);
        let grace = self.terms.refresh_grace();
        let sealed = (grace > TimeDelta::zero()).then(|| self.refresh_tokens.seal(&successor, token));
        let rotation = Rotation {
            session_id,
            presented,
            successor: self.refresh_tokens.hash(&successor),
            sealed_successor: sealed.transpose()?,
            is_kept: said == TokenClaim::Nothing,
            at: now,
            grace,
        };
        match self.sessions.rotate(rotation).await {
            Ok(Rotated { account, ends_at, successor: next }) => {
                let refresh_token = match next {
                    Successor::Issued => successor,
                    Successor::IssuedBefore(sealed) => {
                        let opened = self.refresh_tokens.open(&sealed, token);
                        opened.ok_or_else(|| Unavailable::new("a successor that its own predecessor does not open"))?
                    }
                };
                let session = TokenSession { id: session_id, ends_at };
                let access_token = self.access_tokens.issue(&account, session, Audience::Client, now)?;
                Ok(ClientSession { account, access_token, refresh_token })
            }
            Err(RotateError::SessionClosed) => Err(RefreshSessionError::SessionClosed),
            Err(RotateError::TokenReused { account_id }) => {
                // Its access tokens end with it, on every server.
                self.closed_sessions.announce(&[session_id]).await;
                let event = SecurityEvent::new(SecurityEventKind::RefreshReuse, SecurityOutcome::Refused);
                self.security.record(event.of_account(account_id).in_session(session_id));
                Err(RefreshSessionError::SessionClosed)
            }
            Err(RotateError::Unavailable(source)) => Err(source.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use comanda_domain::{
        RefreshTokenHash, SealedToken, SessionId,
        ports::{AccessToken, MockAccessTokens, MockClosedSessions, MockRefreshTokens, MockSessions},
    };

    use super::*;
    use crate::sample;

    fn session() -> SessionId {
        SessionId::new(sample::order_with_lines().order.id.as_uuid())
    }

    fn hash_of(text: &str) -> RefreshTokenHash {
        RefreshTokenHash::new([u8::try_from(text.len()).unwrap(); 32])
    }

    /// Tokens that say their session, except "legacy" and "foreign".
    fn sessions(stored: MockSessions, closed: MockClosedSessions) -> Sessions {
        let mut access_tokens = MockAccessTokens::new();
        access_tokens
            .expect_issue()
            .returning(|_, _, _, _| Ok(AccessToken { token: "next".to_owned(), expires_in: 900 }));
        let mut refresh_tokens = MockRefreshTokens::new();
        refresh_tokens.expect_session_of().returning(|token| match token.expose() {
            "legacy" => TokenClaim::Nothing,
            "foreign" => TokenClaim::Foreign,
            _ => TokenClaim::Session(session()),
        });
        refresh_tokens.expect_generate().returning(|_| RefreshToken::new("successor".to_owned()));
        refresh_tokens.expect_hash().returning(|token| hash_of(token.expose()));
        refresh_tokens.expect_seal().returning(|successor, _| Ok(SealedToken::new(successor.expose().into())));
        refresh_tokens.expect_open().returning(|_, _| Some(RefreshToken::new("the one before".to_owned())));
        Sessions {
            sessions: Arc::new(stored),
            closed_sessions: Arc::new(closed),
            access_tokens: Arc::new(access_tokens),
            refresh_tokens: Arc::new(refresh_tokens),
            ..sample::sessions()
        }
    }

    fn rotated(successor: Successor) -> Rotated {
        Rotated { account: sample::customer(), ends_at: sample::now() + TimeDelta::hours(1), successor }
    }

    fn token(text: &str) -> RefreshToken {
        RefreshToken::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_token_is_exchanged_for_its_successor() {
        let mut stored = MockSessions::new();
        stored
            .expect_rotate()
            .once()
            .withf(|r| {
                (r.session_id, r.presented, r.successor) == (session(), hash_of("first"), hash_of("successor"))
                    && r.sealed_successor == Some(SealedToken::new("successor".into()))
                    && !r.is_kept
            })
            .returning(|_| Ok(rotated(Successor::Issued)));
        let next = sessions(stored, MockClosedSessions::new()).refresh(&token("first")).await.unwrap();
        assert_eq!((next.access_token.token.as_str(), next.refresh_token.expose()), ("next", "successor"));
    }

    #[tokio::test]
    async fn a_parallel_request_gets_the_successor_of_the_first() {
        let mut stored = MockSessions::new();
        let before = || Successor::IssuedBefore(SealedToken::new(vec![1]));
        stored.expect_rotate().once().returning(move |_| Ok(rotated(before())));
        let next = sessions(stored, MockClosedSessions::new()).refresh(&token("first")).await.unwrap();
        assert_eq!(next.refresh_token.expose(), "the one before");
    }

    #[tokio::test]
    async fn without_a_grace_no_successor_is_stored() {
        let mut stored = MockSessions::new();
        stored
            .expect_rotate()
            .once()
            .withf(|r| r.sealed_successor.is_none())
            .returning(|_| Ok(rotated(Successor::Issued)));
        let mut sessions = sessions(stored, MockClosedSessions::new());
        sessions.terms.refresh_grace = Duration::ZERO;
        sessions.refresh(&token("first")).await.unwrap();
    }

    #[tokio::test]
    async fn a_token_that_does_not_say_its_session_is_looked_up() {
        for (known, accepted) in [(Some(session()), true), (None, false)] {
            let mut stored = MockSessions::new();
            stored.expect_session_of().once().withf(|hash| *hash == hash_of("legacy")).returning(move |_| Ok(known));
            stored
                .expect_rotate()
                .withf(|rotation| rotation.session_id == session() && rotation.is_kept)
                .returning(|_| Ok(rotated(Successor::Issued)));
            let refreshed = sessions(stored, MockClosedSessions::new()).refresh(&token("legacy")).await;
            assert_eq!(refreshed.is_ok(), accepted);
            assert_eq!(matches!(refreshed, Err(RefreshSessionError::Unknown)), !accepted);
        }
    }

    #[tokio::test]
    async fn a_token_of_a_forgotten_key_is_not_even_looked_up() {
        let refreshed = sessions(MockSessions::new(), MockClosedSessions::new()).refresh(&token("foreign")).await;
        assert!(matches!(refreshed, Err(RefreshSessionError::Unknown)));
    }

    #[tokio::test]
    async fn a_token_that_comes_back_closes_the_session_everywhere() {
        let mut stored = MockSessions::new();
        stored.expect_rotate().returning(|_| Err(RotateError::TokenReused { account_id: sample::customer().id }));
        let mut closed = MockClosedSessions::new();
        closed.expect_announce().once().withf(|ids| ids == [session()]).returning(|_| ());
        let answer = sessions(stored, closed).refresh(&token("first")).await;
        assert!(matches!(answer, Err(RefreshSessionError::SessionClosed)));
    }
}
