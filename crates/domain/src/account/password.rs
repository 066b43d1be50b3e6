//! Passwords on their way to the hasher. Neither type shows what it holds.

use std::fmt;

use thiserror::Error;

/// Those of the world's commonest passwords that are long enough to be chosen here, in lower case and sorted: from the
/// lists of Django (BSD-3-Clause, <https://docs.djangoproject.com/en/stable/topics/auth/passwords/>) and zxcvbn (MIT,
/// <https://github.com/dropbox/zxcvbn>).
const COMMON: &str = include_str!("common_passwords.txt");

/// Why a new password was refused (NIST SP 800-63B, section 5.1.1.2: length and a list of common ones, no composition
/// rules).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum PasswordError {
    /// Fewer than [`Password::MIN`] characters.
    #[error("must have at least {} characters", Password::MIN)]
    TooShort,
    /// More than [`Password::MAX`] characters.
    #[error("must have at most {} characters", Password::MAX)]
    TooLong,
    /// On the list of common passwords, or made of one or two different characters.
    #[error("is among the first that anybody would guess")]
    TooCommon,
}

/// A password somebody chose or typed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// The least number of characters of a new password.
    pub const MIN: usize = 12;
    /// The greatest number of characters, so that hashing stays bounded.
    pub const MAX: usize = 128;

    /// A new password: checks its length, and that it is not one of the commonest.
    pub fn choose(text: String) -> Result<Self, PasswordError> {
        match text.chars().count() {
            length if length < Self::MIN => Err(PasswordError::TooShort),
            length if length > Self::MAX => Err(PasswordError::TooLong),
            _ if is_common(&text) => Err(PasswordError::TooCommon),
            _ => Ok(Self(text)),
        }
    }

    /// A password typed at sign-in: short ones are merely wrong, so that old rules never lock anybody out; only one
    /// too long to be hashed is refused.
    pub fn attempt(text: String) -> Result<Self, PasswordError> {
        if text.chars().count() > Self::MAX { Err(PasswordError::TooLong) } else { Ok(Self(text)) }
    }

    /// The password as text, for the hasher alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

fn is_common(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut different: Vec<char> = lower.chars().collect();
    different.sort_unstable();
    different.dedup();
    different.len() <= 2 || COMMON.lines().any(|common| common == lower)
}

/// A password hash in PHC string format, parameters and salt included.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps what a hasher produced or a store kept.
    pub fn new(phc: String) -> Self {
        Self(phc)
    }

    /// The hash as text, for the hasher and the store.
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
        assert!(Password::choose("ñéü".repeat(4)).is_ok());
        assert!(Password::choose(format!("{}éü", "ñ".repeat(126))).is_ok());
        assert_eq!(Password::choose("ñ".repeat(129)), Err(PasswordError::TooLong));
        assert!(Password::attempt("x".to_owned()).is_ok());
    }

    #[test]
    fn the_commonest_are_refused_whatever_the_case() {
        for text in ["1q2w3e4r5t6y", "QWERTY123456", "aaaaaaaaaaaa", "121212121212"] {
            assert_eq!(Password::choose(text.to_owned()), Err(PasswordError::TooCommon), "{text}");
        }
        assert!(Password::choose("three short words".to_owned()).is_ok());
    }

    #[test]
    fn never_prints() {
        let password = Password::choose("correct horse battery".to_owned()).expect("long enough");
        assert!(!format!("{password:?}").contains("horse"));
        assert!(!format!("{:?}", PasswordHash::new("$argon2id$secret".to_owned())).contains("secret"));
    }
}
