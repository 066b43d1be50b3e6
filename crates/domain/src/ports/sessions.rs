use async_trait::async_trait;
use chrono::TimeDelta;
use thiserror::Error;

use crate::{Account, AccountId, NewSession, RefreshToken, RefreshTokenHash, SessionId, Timestamp};

use super::Unavailable;

/// A refresh token to be exchanged for its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// What was shown.
    pub presented: RefreshTokenHash,
    /// What takes its place: always the same for the same token.
    pub successor: RefreshTokenHash,
    /// When, in whole milliseconds.
    pub at: Timestamp,
    /// For so long after its use a token may come back: a client's own parallel request, which gets the same successor.
    pub grace: TimeDelta,
}

/// Why a refresh token was not exchanged.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum RotateError {
    /// It never was one.
    #[error("not a refresh token")]
    Unknown,
    /// Its session has ended, or ends now, because the token was used before.
    #[error("the session is closed")]
    SessionClosed {
        /// The session.
        session_id: SessionId,
    },
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// The sessions.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Opens one.
    async fn open(&self, session: NewSession) -> Result<(), Unavailable>;

    /// Exchanges a refresh token. Of several at once, all get the same successor; one that comes back after its grace closes the
    /// session, since two parties have it.
    async fn rotate(&self, rotation: Rotation) -> Result<(SessionId, Account), RotateError>;

    /// Closes one.
    async fn close(&self, id: SessionId, at: Timestamp) -> Result<(), Unavailable>;

    /// Closes an account's sessions but one, and says which.
    async fn close_all_but(
        &self,
        account_id: AccountId,
        kept: Option<SessionId>,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, Unavailable>;

    /// Those closed since then.
    async fn closed_since(&self, since: Timestamp) -> Result<Vec<SessionId>, Unavailable>;
}

/// Makes refresh tokens.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait RefreshTokens: Send + Sync {
    /// 256 random bits.
    fn generate(&self) -> RefreshToken;

    /// The successor: always the same for the same token, and unpredictable for anybody else.
    fn successor(&self, token: &RefreshToken) -> RefreshToken;

    /// What may be stored.
    fn hash(&self, token: &RefreshToken) -> RefreshTokenHash;
}

/// Which sessions are closed, known to every server within a second.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ClosedSessions: Send + Sync {
    /// Tells every server. This one knows at once; a message that does not get through is sent again until it does.
    async fn announce(&self, ids: &[SessionId]);

    /// Asked with every request: MUST NOT wait for anything.
    fn contains(&self, id: SessionId) -> bool;
}
