use async_trait::async_trait;
use chrono::TimeDelta;
use thiserror::Error;

use crate::{Account, AccountId, NewSession, RefreshToken, RefreshTokenHash, SessionId, Timestamp};

use super::Unavailable;

/// A refresh token to be exchanged for its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The hash of the token that the client sent.
    pub presented: RefreshTokenHash,
    /// The hash of its successor: always the same for the same token.
    pub successor: RefreshTokenHash,
    /// When it is exchanged, in whole milliseconds.
    pub at: Timestamp,
    /// How long after its use a token may come back with a client's own parallel request, which gets the same
    /// successor.
    pub grace: TimeDelta,
}

/// Why a refresh token was not exchanged.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum RotateError {
    /// It never was a refresh token.
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
    /// Opens a session.
    async fn open(&self, session: NewSession) -> Result<(), Unavailable>;

    /// Exchanges a refresh token. Several requests at once all get the same successor. A token that comes back after
    /// its grace closes the session, since two parties have it.
    async fn rotate(&self, rotation: Rotation) -> Result<(SessionId, Account), RotateError>;

    /// Closes a session.
    async fn close(&self, id: SessionId, at: Timestamp) -> Result<(), Unavailable>;

    /// Closes all of an account's sessions but one, and returns those it closed.
    async fn close_all_but(
        &self,
        account_id: AccountId,
        kept: Option<SessionId>,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, Unavailable>;

    /// The sessions that were closed since then.
    async fn closed_since(&self, since: Timestamp) -> Result<Vec<SessionId>, Unavailable>;
}

/// Makes refresh tokens.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait RefreshTokens: Send + Sync {
    /// A new token: 256 random bits.
    fn generate(&self) -> RefreshToken;

    /// The successor: always the same for the same token, and unpredictable for anybody else.
    fn successor(&self, token: &RefreshToken) -> RefreshToken;

    /// The hash of a token, which is all that may be stored.
    fn hash(&self, token: &RefreshToken) -> RefreshTokenHash;
}

/// Which sessions are closed, known to every server within a second.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ClosedSessions: Send + Sync {
    /// Announces closed sessions to every server. This one knows at once; a message that does not get through is sent
    /// again until it does.
    async fn announce(&self, ids: &[SessionId]);

    /// Whether a session is closed. Called for every request: it MUST NOT wait for anything.
    fn contains(&self, id: SessionId) -> bool;
}
