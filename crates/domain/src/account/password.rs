//! Passwords on their way to the hasher. No type here shows what it holds.

use std::{fmt, ops::RangeInclusive};

use precis_profiles::{OpaqueString, precis_core::profile::PrecisFastInvocation};
use thiserror::Error;

use super::{Email, guessable};
use crate::PersonName;

/// Why a new password was refused (NIST SP 800-63B, section 5.1.1.2: length, and what anybody would guess; no
/// composition rules).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum PasswordError {
    /// Fewer than [`Password::MIN`] characters.
    #[error("must have at least {} characters", Password::MIN)]
    TooShort,
    /// More than [`Password::MAX`] characters.
    #[error("must have at most {} characters", Password::MAX)]
    TooLong,
    /// Not an `OpaqueString` (RFC 8265): it holds characters that not every keyboard and program treats alike.
    #[error("must not contain control characters, invisible ones, or ones that Unicode has not assigned")]
    Unusable,
    /// One of the commonest passwords, a common word with the usual decoration, a sequence or a repetition.
    #[error("is among the first that anybody would guess")]
    TooCommon,
    /// Little more than the account's own address, its name, or the name of this service.
    #[error("must not be made of your address, your name or the name of this service")]
    TooPersonal,
}

/// A password as it is hashed and compared: in the form that RFC 8265 gives it, so that the same characters are the
/// same password whichever keyboard they come from.
#[derive(Clone, PartialEq, Eq)]
pub struct Password {
    text: String,
    as_typed: Option<String>,
}

impl Password {
    /// The least number of characters of a new password.
    pub const MIN: usize = 12;
    /// The greatest number of characters, so that hashing stays bounded.
    pub const MAX: usize = 128;

    /// A new password: checks its length, and that it is not one of the first that anybody would guess. Characters are
    /// counted in the form that is hashed, where a letter and its accent are one.
    pub fn choose(text: String) -> Result<ChosenPassword, PasswordError> {
        // The bound comes first, and is generous: a decomposed text has several code points per character.
        if text.len() > Self::MAX * 16 {
            return Err(PasswordError::TooLong);
        }
        if text.chars().count() < Self::MIN {
            return Err(PasswordError::TooShort);
        }
        let text = OpaqueString::enforce(text).map_err(|_| PasswordError::Unusable)?.into_owned();
        match text.chars().count() {
            length if length < Self::MIN => Err(PasswordError::TooShort),
            length if length > Self::MAX => Err(PasswordError::TooLong),
            _ if guessable::is_common(&text) => Err(PasswordError::TooCommon),
            _ => Ok(ChosenPassword(text)),
        }
    }

    /// A password typed at sign-in: short ones are merely wrong, so that old rules never lock anybody out; only one
    /// too long to be hashed is refused.
    pub fn attempt(typed: String) -> Result<Self, PasswordError> {
        if typed.len() > Self::MAX * 16 {
            return Err(PasswordError::TooLong);
        }
        let fits = |text: &str| text.chars().count() <= Self::MAX;
        let prepared = OpaqueString::enforce(typed.as_str()).ok().map(std::borrow::Cow::into_owned);
        match prepared.filter(|text| fits(text)) {
            Some(text) if text == typed => Ok(Self { text, as_typed: None }),
            Some(text) => Ok(Self { text, as_typed: Some(typed).filter(|typed| fits(typed)) }),
            None if fits(&typed) => Ok(Self { text: typed, as_typed: None }),
            None => Err(PasswordError::TooLong),
        }
    }

    /// The password as text, for the hasher alone.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The password exactly as it was typed, where that differs: hashes that were made before passwords were brought
    /// into one form are of this text.
    pub fn expose_as_typed(&self) -> Option<&str> {
        self.as_typed.as_deref()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A new password that suits somebody. Whether it suits this account is still to be asked.
#[derive(Clone, PartialEq, Eq)]
pub struct ChosenPassword(String);

impl ChosenPassword {
    /// The password, unless whoever knows the account would guess it.
    pub fn for_account(self, email: &Email, name: &PersonName) -> Result<Password, PasswordError> {
        if guessable::is_personal(&self.0, email, name) {
            return Err(PasswordError::TooPersonal);
        }
        Ok(Password { text: self.0, as_typed: None })
    }
}

impl fmt::Debug for ChosenPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChosenPassword(…)")
    }
}

/// The text is no hash of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("is no hash of argon2")]
pub struct MalformedPasswordHash;

/// A password hash in PHC string format, parameters and salt included.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps what a hasher produced or a store kept.
    pub fn new(phc: String) -> Self {
        Self(phc)
    }

    /// A hash that was stored, if it is one that a hasher can compare: one of argon2 whose parts are all there and of
    /// possible sizes, and which takes no more than a gibibyte of memory, a hundred passes and 64 lanes.
    pub fn stored(phc: String) -> Result<Self, MalformedPasswordHash> {
        /// In kibibytes.
        const GIBIBYTE: u32 = 1 << 20;
        /// For each lane.
        const LEAST_MEMORY: u32 = 8;

        let mut parts: Vec<&str> = phc.split('$').collect();
        let (hash, salt) = (parts.pop().unwrap_or_default(), parts.pop().unwrap_or_default());
        let is_base64 = |text: &str, lengths: RangeInclusive<usize>| {
            lengths.contains(&text.len())
                && text.len() % 4 != 1
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
        };
        let is_known = matches!(parts.get(..2), Some(["", "argon2id" | "argon2i" | "argon2d"])) && parts.len() <= 4;
        let (mut memory, mut lanes) = (GIBIBYTE, 1);
        let mut parameters = parts.iter().skip(2).flat_map(|part| part.split(','));
        let are_possible = parameters.all(|parameter| {
            let Some((name, value)) = parameter.split_once('=') else { return false };
            let Ok(value) = value.parse::<u32>() else { return false };
            match name {
                "v" => matches!(value, 16 | 19),
                "m" => {
                    memory = value;
                    value <= GIBIBYTE
                }
                "t" => (1..=100).contains(&value),
                "p" => {
                    lanes = value;
                    (1..=64).contains(&value)
                }
                _ => false,
            }
        });
        let is_enough = memory >= LEAST_MEMORY.saturating_mul(lanes);
        // 8 to 48 bytes, and 10 to 64.
        let is_whole = is_known && is_base64(salt, 11..=64) && is_base64(hash, 14..=86);
        if is_whole && are_possible && is_enough { Ok(Self(phc)) } else { Err(MalformedPasswordHash) }
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
    fn what_no_hasher_could_compare_is_no_hash() {
        let hash = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";
        assert!(PasswordHash::stored(hash.to_owned()).is_ok());
        for broken in [
            "",
            "secret",
            "$2b$12$AAAAAAAAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB",
            &hash.replace("m=19456", "m=4294967295"),
            &hash.replace("m=19456", "m=7"),
            &hash.replace("p=1", "p=2433"),
            &hash.replace("p=1", "p=0"),
            &hash.replace("p=1", "x=1"),
            &hash.replace("t=2", "t=0"),
            &hash.replace("t=2", "t=4294967295"),
            &hash.replace("t=2", "t=many"),
            &hash.replace("v=19", "v=5"),
            &hash.replace(&"A".repeat(22), &"A".repeat(10)),
            &hash.replace(&"A".repeat(22), &"A".repeat(65)),
            &hash.replace(&"B".repeat(43), &"B".repeat(13)),
            &hash.replace(&"B".repeat(43), &"B".repeat(45)),
            &hash[..40],
            &hash[1..],
            &hash.replace('B', "?"),
        ] {
            assert_eq!(PasswordHash::stored(broken.to_owned()), Err(MalformedPasswordHash), "{broken:?}");
        }
    }

    fn choose(text: impl Into<String>) -> Result<ChosenPassword, PasswordError> {
        Password::choose(text.into())
    }

    /// So many different characters, none of them next to its neighbour in any alphabet.
    fn letters(count: u32) -> String {
        (0..count).map(|n| char::from_u32(0x4E00 + n * 37 % 5000).unwrap()).collect()
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert_eq!(choose("ñ".repeat(11)), Err(PasswordError::TooShort));
        assert!(choose(letters(12)).is_ok());
        assert!(choose(letters(128)).is_ok());
        assert_eq!(choose(letters(129)), Err(PasswordError::TooLong));
        assert_eq!(choose("x".repeat(100_000)), Err(PasswordError::TooLong));
        assert!(Password::attempt("x".to_owned()).is_ok());
        assert_eq!(Password::attempt("x".repeat(129)), Err(PasswordError::TooLong));
        assert_eq!(Password::attempt("x".repeat(100_000)), Err(PasswordError::TooLong));
    }

    #[test]
    fn a_letter_and_its_accent_are_one_character_however_they_are_typed() {
        // 64 letters with an accent each.
        let composed: String = "áćéǵíḱĺḿńóṕŕśúýźäëïöüẅÿâĉêĝĥîĵôŝûŵŷẑ".chars().cycle().take(64).collect();
        let decomposed: String = unicode_normalization::UnicodeNormalization::nfd(composed.as_str()).collect();
        assert_eq!(decomposed.chars().count(), 128);
        let email = Email::new("ana@example.org").unwrap();
        let name = PersonName::new("Ana").unwrap();
        let chosen = choose(decomposed.clone()).unwrap().for_account(&email, &name).unwrap();
        assert_eq!(chosen.expose(), composed);
        let typed = Password::attempt(decomposed.clone()).unwrap();
        assert_eq!((typed.expose(), typed.expose_as_typed()), (&*composed, Some(&*decomposed)));
        assert_eq!(Password::attempt(composed.clone()).unwrap().expose_as_typed(), None);
        // The same space from another keyboard.
        assert_eq!(Password::attempt("one\u{a0}two".to_owned()).unwrap().expose(), "one two");
    }

    #[test]
    fn what_rfc_8265_excludes_is_not_chosen_but_can_still_be_typed() {
        for text in ["correct\u{7}horse battery", "correct\u{200b}horse battery", "correct\u{202e}horse battery"] {
            assert_eq!(choose(text), Err(PasswordError::Unusable), "{text:?}");
            assert_eq!(Password::attempt(text.to_owned()).unwrap().expose(), text);
        }
    }

    #[test]
    fn the_commonest_are_refused_whatever_the_case() {
        for text in ["1q2w3e4r5t6y", "QWERTY123456", "aaaaaaaaaaaa", "121212121212"] {
            assert_eq!(choose(text), Err(PasswordError::TooCommon), "{text}");
        }
        assert!(choose("three short words").is_ok());
    }

    #[test]
    fn never_prints() {
        let chosen = choose("correct horse battery").expect("long enough");
        let typed = Password::attempt("correct horse batte\u{301}ry".to_owned()).expect("short enough");
        assert!(!format!("{chosen:?} {typed:?}").contains("horse"));
        assert!(!format!("{:?}", PasswordHash::new("$argon2id$secret".to_owned())).contains("secret"));
    }
}
