use thiserror::Error;

use super::Unavailable;
use crate::{Account, Actor, SessionId, Timestamp};

/// A credential that a client sends with every request.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// What goes into `Authorization: Bearer …`.
    pub token: String,
    /// In how many seconds it expires.
    pub expires_in: u32,
}

/// Whom a token is for, and how it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// A program, in the `Authorization` header.
    Client,
    /// A browser, in a cookie.
    Browser,
}

/// The token proves nothing: forged, expired, meant for somebody else, or not a token at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the access token is not valid")]
pub struct InvalidAccessToken;

/// The session that a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenSession {
    /// The session.
    pub id: SessionId,
    /// When it ends, which no token of it outlives.
    pub ends_at: Timestamp,
}

/// What a token proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedToken {
    /// Who sent it.
    pub actor: Actor,
    /// When it was issued, in whole seconds.
    pub issued_at: Timestamp,
    /// When it expires, in whole seconds.
    pub expires_at: Timestamp,
}

/// Issues and verifies access tokens.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait AccessTokens: Send + Sync {
    /// A token for an account that has proven who it is.
    fn issue(
        &self,
        account: &Account,
        session: TokenSession,
        audience: Audience,
        now: Timestamp,
    ) -> Result<AccessToken, Unavailable>;

    /// Returns what the token proves. MUST refuse a token whose signature, algorithm, issuer, time or
    /// audience is wrong.
    fn verify(&self, token: &str, audience: Audience, now: Timestamp) -> Result<VerifiedToken, InvalidAccessToken>;
}
