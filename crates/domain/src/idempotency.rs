//! Idempotency keys, which let a client repeat a request without doing it twice.

use std::time::Duration;

use thiserror::Error;

use crate::{AccountId, Timestamp};

/// The text is not 1 to 255 visible ASCII characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an idempotency key is 1 to 255 visible ASCII characters")]
pub struct NotAnIdempotencyKey;

/// The caller's own name for a request, from the `Idempotency-Key` header.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// For how long a key is remembered, in hours.
    pub const KEPT_HOURS: i64 = 24;

    /// For how long a key is remembered.
    pub const KEPT: Duration = Duration::from_hours(Self::KEPT_HOURS.unsigned_abs());

    /// Checks length and characters.
    pub fn new(text: &str) -> Result<Self, NotAnIdempotencyKey> {
        if (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAnIdempotencyKey)
        }
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Keys recorded before this moment are forgotten.
    pub fn forgotten_before(now: Timestamp) -> Timestamp {
        now - chrono::TimeDelta::hours(Self::KEPT_HOURS)
    }
}

/// A digest of a request, to distinguish a repetition from another request under the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestFingerprint([u8; 16]);

impl RequestFingerprint {
    /// Wraps the first 128 bits of a cryptographic hash.
    pub const fn new(digest: [u8; 16]) -> Self {
        Self(digest)
    }

    /// The bits.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// A key with the request it stands for. Scoped to the caller: two callers may use the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The caller that the key belongs to.
    pub caller: AccountId,
    /// The caller's name for the request.
    pub key: IdempotencyKey,
    /// The digest of the request.
    pub fingerprint: RequestFingerprint,
}

/// Why a request under an idempotency key was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyRefusal {
    /// The key stands for another request.
    #[error("the idempotency key was used for another request")]
    Reused,
    /// A request with the same key has not ended yet.
    #[error("a request with the same idempotency key is in progress")]
    InProgress,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_ascii() {
        assert!(IdempotencyKey::new(&"k".repeat(255)).is_ok());
        for text in ["", "a b", "ключ", "a\u{7f}", &"k".repeat(256)] {
            assert_eq!(IdempotencyKey::new(text), Err(NotAnIdempotencyKey));
        }
    }
}
