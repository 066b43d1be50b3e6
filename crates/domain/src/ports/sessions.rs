use async_trait::async_trait;
use chrono::TimeDelta;
use thiserror::Error;

use crate::{
    Account, AccountId, Administrator, NewSession, Page, PageLimit, Reason, RefreshToken, RefreshTokenHash,
    SealedToken, Session, SessionId, Timestamp,
};

use super::Unavailable;

/// A refresh token to be exchanged for its successor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The session that the token belongs to.
    pub session_id: SessionId,
    /// The hash of the token that the client sent.
    pub presented: RefreshTokenHash,
    /// The hash of its successor.
    pub successor: RefreshTokenHash,
    /// The successor itself, for a parallel request; `None` if there is no grace.
    pub sealed_successor: Option<SealedToken>,
    /// Whether the token that was sent must be kept when it is used: it does not say its session itself, so only its
    /// row tells that it was used before.
    pub is_kept: bool,
    /// When it is exchanged, in whole milliseconds.
    pub at: Timestamp,
    /// How long after its use a token may come back with a client's own parallel request, which gets the same
    /// successor, as long as nobody has used that.
    pub grace: TimeDelta,
}

/// How far somebody has read the sessions that were closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosingPosition(i64);

impl ClosingPosition {
    /// A position as the store gave it.
    pub const fn new(position: i64) -> Self {
        Self(position)
    }

    /// The position for the store.
    pub const fn get(self) -> i64 {
        self.0
    }
}

/// Sessions that were closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closings {
    /// The sessions, in any order.
    pub ids: Vec<SessionId>,
    /// Where to read on.
    pub position: ClosingPosition,
}

/// A refresh token that was exchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The account of the session.
    pub account: Account,
    /// When the session ends, however often it is continued.
    pub ends_at: Timestamp,
    /// Which token comes next.
    pub successor: Successor,
}

/// A browser's session that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// The account as it is now.
    pub account: Account,
    /// When the session ends, however often it is renewed.
    pub ends_at: Timestamp,
}

/// Which of an account's open sessions to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionsQuery {
    /// The account.
    pub account_id: AccountId,
    /// Sessions that have not ended by now.
    pub now: Timestamp,
    /// Only those opened before this one: the last of the page before.
    pub before: Option<SessionId>,
    /// The size of the page.
    pub limit: PageLimit,
}

/// Why an account's sessions were not closed.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum CloseSessionsError {
    /// There is no such account.
    #[error("no such account")]
    NotFound,
    /// Who asks is no enabled admin any more.
    #[error("not an admin any more")]
    NotAdmin,
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Sessions of several accounts that were closed together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClosedBatch {
    /// The sessions and whose they were.
    pub sessions: Vec<(AccountId, SessionId)>,
    /// The last account that was looked at; `None` if there was none.
    pub last: Option<AccountId>,
}

/// The token after the one that was presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Successor {
    /// The rotation's.
    Issued,
    /// That of an earlier request with the same token.
    IssuedBefore(SealedToken),
}

/// What a refresh token says of its session by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum TokenClaim {
    /// It was made for this session.
    Session(SessionId),
    /// Nothing: it is from a release whose tokens had no tag, if it is a token at all.
    Nothing,
    /// It has a tag that none of our keys has made: it is good for nothing, whatever is stored of it.
    Foreign,
}

/// Why a refresh token was not exchanged.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum RotateError {
    /// Its session had ended before.
    #[error("the session is closed")]
    SessionClosed,
    /// The token was used before: its session ends now.
    #[error("the refresh token was used before")]
    TokenReused {
        /// Whose session it was.
        account_id: AccountId,
    },
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why no session was opened.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum OpenSessionError {
    /// The account was disabled, or its credentials are not those that were checked any more.
    #[error("the credentials were changed meanwhile")]
    Outdated,
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// The sessions.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Opens a session. MUST compare the account's credentials with those that were checked in the same statement, and
    /// keep them from being changed until it commits: whoever changes them afterwards finds this session and closes it.
    ///
    /// Closes the session that is replaced, and the oldest where the account would have more than `at_most`; returns
    /// both kinds.
    async fn open(&self, session: NewSession, at_most: u32) -> Result<Vec<SessionId>, OpenSessionError>;

    /// Notes that a browser's session is used, and puts off its end by idleness. `None` if the session has ended.
    async fn renew(&self, id: SessionId, at: Timestamp, idle_at: Timestamp) -> Result<Option<Renewed>, Unavailable>;

    /// The session of a refresh token that does not say it itself.
    async fn session_of(&self, token: RefreshTokenHash) -> Result<Option<SessionId>, Unavailable>;

    /// Exchanges a refresh token. Several requests at once all get the same successor. A token that comes back after
    /// its grace, or after its successor was used, closes the session, since two parties have it.
    async fn rotate(&self, rotation: Rotation) -> Result<Rotated, RotateError>;

    /// Closes a session of an account. Returns whether it was open.
    async fn close(&self, account_id: AccountId, id: SessionId, at: Timestamp) -> Result<bool, Unavailable>;

    /// Closes all of an account's sessions but one, and returns those it closed.
    async fn close_others(
        &self,
        account_id: AccountId,
        kept: SessionId,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, Unavailable>;

    /// Closes all of an account's sessions and records who did it and why, in one transaction. Returns those it closed.
    /// `by` is `None` for an operator on the command line.
    async fn close_all(
        &self,
        account_id: AccountId,
        by: Option<Administrator>,
        reason: Reason,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, CloseSessionsError>;

    /// How many sessions of all accounts are open by what is stored, also if they have expired.
    async fn count_open(&self) -> Result<u64, Unavailable>;

    /// Closes all sessions of the next `at_most` accounts that have any, in the order of the accounts' ids, and records
    /// it and why for each account, in one transaction.
    async fn close_next(
        &self,
        after: Option<AccountId>,
        at_most: u32,
        reason: Reason,
        at: Timestamp,
    ) -> Result<ClosedBatch, Unavailable>;

    /// A page of an account's open sessions, the newest first.
    async fn list(&self, query: SessionsQuery) -> Result<Page<Session, SessionId>, Unavailable>;

    /// The sessions that were closed since then.
    async fn closed_since(&self, since: Timestamp) -> Result<Closings, Unavailable>;

    /// The sessions that were closed after somebody read up to the position. MUST miss none, whatever the order in
    /// which transactions commit and whatever servers' clocks say; may repeat some.
    async fn closed_after(&self, position: ClosingPosition) -> Result<Closings, Unavailable>;
}

/// Makes refresh tokens.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait RefreshTokens: Send + Sync {
    /// A new token for a session, with 256 random bits. MUST NOT be computable from any key and other tokens.
    fn generate(&self, session: SessionId) -> RefreshToken;

    /// What a token says of its session. MUST be [`TokenClaim::Session`] only if the token was made here.
    fn session_of(&self, token: &RefreshToken) -> TokenClaim;

    /// The hash of a token, which is all that may be stored for longer than the grace of its predecessor.
    fn hash(&self, token: &RefreshToken) -> RefreshTokenHash;

    /// Encrypts a token so that whoever has its predecessor can read it, and nobody else.
    fn seal(&self, successor: &RefreshToken, predecessor: &RefreshToken) -> Result<SealedToken, Unavailable>;

    /// Decrypts a token; `None` if it was not sealed with this predecessor.
    fn open(&self, sealed: &SealedToken, predecessor: &RefreshToken) -> Option<RefreshToken>;
}

/// Which sessions are closed. Every server finds them in the store; announcing them makes that quicker.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ClosedSessions: Send + Sync {
    /// Announces closed sessions to every server. This one knows at once. An announcement may get lost: servers read
    /// [`Sessions::closed_after`] all the time.
    async fn announce(&self, ids: &[SessionId]);

    /// Whether a session is closed. Called for every request: it MUST NOT wait for anything.
    fn contains(&self, id: SessionId) -> bool;
}
