use async_trait::async_trait;
use thiserror::Error;

use crate::{Password, PasswordHash};

use super::Unavailable;

/// Why no hash was made or compared.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum HashPasswordError {
    /// More passwords are waiting than the hasher takes. Hashing is slow on purpose; queueing without end would be
    /// slower.
    #[error("the password hasher is busy")]
    Busy,
    /// The hasher failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What comparing a password with a hash showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// It is the password.
    Match {
        /// The hash was made with other parameters than today's and should be replaced.
        outdated: bool,
    },
    /// It is not, or there was no hash to compare with.
    Mismatch,
}

/// Hashes passwords, slowly.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// A salted hash with today's parameters.
    async fn hash(&self, password: Password) -> Result<PasswordHash, HashPasswordError>;

    /// Compares. Without a hash (no such account) it MUST take the same time as with one and answer
    /// [`Verification::Mismatch`], so that nobody learns which addresses have accounts.
    async fn verify(&self, password: Password, hash: Option<PasswordHash>) -> Result<Verification, HashPasswordError>;
}
