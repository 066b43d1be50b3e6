//! Passwords on their way to the hasher. Neither type shows what it holds.

use std::fmt;

use thiserror::Error;

/// Why a new password was refused (NIST SP 800-63B, section 5.1.1.2: length, no composition rules).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PasswordError {
    /// Fewer than [`Password::MIN`] characters.
    #[error("must have at least {} characters", Password::MIN)]
    TooShort,
    /// More than [`Password::MAX`] characters.
    #[error("must have at most {} characters", Password::MAX)]
    TooLong,
}

/// A password somebody chose or typed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// The least number of characters of a new password.
    pub const MIN: usize = 12;
    /// The greatest number of characters, so that hashing stays bounded.
    pub const MAX: usize = 128;

    /// A new password: checks its length.
    pub fn choose(text: String) -> Result<Self, PasswordError> {
        match text.chars().count() {
            length if length < Self::MIN => Err(PasswordError::TooShort),
            length if length > Self::MAX => Err(PasswordError::TooLong),
            _ => Ok(Self(text)),
        }
    }

    /// A password typed at sign-in: short ones are merely wrong, so that old rules never lock anybody out; only one
    /// too long to be hashed is refused.
    pub fn attempt(text: String) -> Result<Self, PasswordError> {
        if text.chars().count() > Self::MAX { Err(PasswordError::TooLong) } else { Ok(Self(text)) }
    }

    /// For the hasher's eyes.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A password hash in PHC string format, parameters and salt included.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps what a hasher produced or a store kept.
    pub fn new(phc: String) -> Self {
        Self(phc)
    }

    /// For the hasher and the store.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_the_only_rule_and_is_counted_in_characters() {
        assert_eq!(Password::choose("ñ".repeat(11)), Err(PasswordError::TooShort));
        assert!(Password::choose("ñ".repeat(12)).is_ok());
        assert!(Password::choose("ñ".repeat(128)).is_ok());
        assert_eq!(Password::choose("ñ".repeat(129)), Err(PasswordError::TooLong));
        assert!(Password::attempt("x".to_owned()).is_ok());
    }

    #[test]
    fn never_prints() {
        let password = Password::choose("correct horse battery".to_owned()).expect("long enough");
        assert!(!format!("{password:?}").contains("horse"));
        assert!(!format!("{:?}", PasswordHash::new("$argon2id$secret".to_owned())).contains("secret"));
    }
}
