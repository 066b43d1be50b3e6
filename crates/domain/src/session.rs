//! Sessions and refresh tokens.

use std::fmt;

use crate::{AccountId, CredentialsVersion, SessionId, SessionOrigin, Timestamp};

/// A secret that is exchanged, once, for the next access token and its own successor. Only its owner ever sees it.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken(String);

impl RefreshToken {
    /// Wraps a token that was generated, or that a client has sent.
    pub fn new(token: String) -> Self {
        Self(token)
    }

    /// The token as text, for its owner and for hashing.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(…)")
    }
}

/// What is stored of a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RefreshTokenHash([u8; 32]);

impl RefreshTokenHash {
    /// Wraps a digest of 256 bits.
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The bits.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A refresh token's successor, readable only with the token that it succeeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedToken(Vec<u8>);

impl SealedToken {
    /// Wraps what was encrypted.
    pub const fn new(sealed: Vec<u8>) -> Self {
        Self(sealed)
    }

    /// What to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A session to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// The id it will have.
    pub id: SessionId,
    /// The account that is signed in.
    pub account_id: AccountId,
    /// The credentials that were checked.
    pub credentials: CredentialsVersion,
    /// When, in whole milliseconds.
    pub opened_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it ends unless it is used before; `None` for a session that is continued with refresh tokens.
    pub idle_at: Option<Timestamp>,
    /// The hash of the refresh token; a browser's session has none.
    pub refresh_token: Option<RefreshTokenHash>,
    /// Where it is opened.
    pub origin: SessionOrigin,
    /// The session that the same browser has had, which ends.
    pub replaces: Option<SessionId>,
}

/// An open session, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The id.
    pub id: SessionId,
    /// Where it was opened.
    pub origin: SessionOrigin,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was last continued: a client's by a refresh token, a browser's every few minutes while it is used.
    pub last_used_at: Timestamp,
}
