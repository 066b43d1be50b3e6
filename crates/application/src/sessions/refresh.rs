use chrono::TimeDelta;
use comanda_domain::{
    RefreshToken,
    ports::{Audience, RotateError, Rotation, Unavailable},
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
    /// Exchanges a refresh token for the next access token and the refresh token's successor.
    pub async fn refresh(&self, token: &RefreshToken) -> Result<ClientSession, RefreshSessionError> {
        let now = self.clock.now();
        let successor = self.refresh_tokens.successor(token);
        let rotation = Rotation {
            presented: self.refresh_tokens.hash(token),
            successor: self.refresh_tokens.hash(&successor),
            at: now,
            grace: TimeDelta::from_std(self.terms.refresh_grace).unwrap_or(TimeDelta::zero()),
        };
        match self.sessions.rotate(rotation).await {
            Ok((session_id, account)) => {
                let access_token = self.access_tokens.issue(&account, session_id, Audience::Client, now)?;
                Ok(ClientSession { account, access_token, refresh_token: successor })
            }
            Err(RotateError::SessionClosed { session_id }) => {
                // Its access tokens end with it, on every server.
                self.closed_sessions.announce(&[session_id]).await;
                Err(RefreshSessionError::SessionClosed)
            }
            Err(RotateError::Unknown) => Err(RefreshSessionError::Unknown),
            Err(RotateError::Unavailable(source)) => Err(source.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{
        RefreshTokenHash, SessionId,
        ports::{AccessToken, MockAccessTokens, MockClosedSessions, MockRefreshTokens, MockSessions},
    };

    use super::*;
    use crate::sample;

    fn sessions(stored: MockSessions, closed: MockClosedSessions) -> Sessions {
        let mut access_tokens = MockAccessTokens::new();
        access_tokens
            .expect_issue()
            .returning(|_, _, _, _| Ok(AccessToken { token: "next".to_owned(), expires_in: 900 }));
        let mut refresh_tokens = MockRefreshTokens::new();
        refresh_tokens.expect_successor().returning(|_| RefreshToken::new("successor".to_owned()));
        refresh_tokens
            .expect_hash()
            .returning(|token| RefreshTokenHash::new([u8::try_from(token.expose().len()).unwrap(); 32]));
        Sessions {
            sessions: Arc::new(stored),
            closed_sessions: Arc::new(closed),
            access_tokens: Arc::new(access_tokens),
            refresh_tokens: Arc::new(refresh_tokens),
            ..sample::sessions()
        }
    }

    #[tokio::test]
    async fn a_token_is_exchanged_for_its_successor() {
        let mut stored = MockSessions::new();
        stored
            .expect_rotate()
            .once()
            .withf(|r| r.presented == RefreshTokenHash::new([5; 32]) && r.successor == RefreshTokenHash::new([9; 32]))
            .returning(|_| Ok((SessionId::new(sample::order_with_lines().order.id.as_uuid()), sample::customer())));
        let sessions = sessions(stored, MockClosedSessions::new());
        let next = sessions.refresh(&RefreshToken::new("first".to_owned())).await.unwrap();
        assert_eq!((next.access_token.token.as_str(), next.refresh_token.expose()), ("next", "successor"));
    }

    #[tokio::test]
    async fn a_token_that_comes_back_closes_the_session_everywhere() {
        let session_id = SessionId::new(sample::order_with_lines().order.id.as_uuid());
        let mut stored = MockSessions::new();
        stored.expect_rotate().returning(move |_| Err(RotateError::SessionClosed { session_id }));
        let mut closed = MockClosedSessions::new();
        closed.expect_announce().once().withf(move |ids| ids == [session_id]).returning(|_| ());
        let result = sessions(stored, closed).refresh(&RefreshToken::new("first".to_owned())).await;
        assert!(matches!(result, Err(RefreshSessionError::SessionClosed)));
    }
}
