//! E-mail addresses, as far as they can be judged without sending anything.

use std::fmt;

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use crate::text::is_invisible;

/// Why a text was refused as an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum EmailError {
    /// Not `local@domain` with a dotted domain, or with characters no mailbox has.
    #[error("must be an e-mail address such as ana@example.org")]
    Malformed,
    /// Longer than RFC 5321 can carry: 64 octets before the `@`, 254 in all.
    #[error("must be at most 254 characters, 64 of them before the @")]
    TooLong,
}

/// An address in lower case and in NFC: `Ana@Example.org` and `ana@example.org` are one account. RFC 5321 lets a
/// mailbox distinguish case; no provider of consequence does, and two accounts a letter apart help only impostors.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Email {
    /// Trims, brings into lower case and NFC, and checks what comes out of that. Deliberately lenient inside the local
    /// part: only the owner of a mailbox can prove it exists.
    pub fn new(text: &str) -> Result<Self, EmailError> {
        // Whatever is longer than this has no short form; the work stays bounded.
        if text.len() > 4096 {
            return Err(EmailError::TooLong);
        }
        let address = one_form(text.trim());
        // A few characters have several lower-case forms, one after the other: they would be another account each time.
        if one_form(&address) != address {
            return Err(EmailError::Malformed);
        }
        check(&address)?;
        Ok(Self(address))
    }

    /// An address that was accepted before, whatever the rules are today.
    pub fn stored(address: &str) -> Self {
        Self(address.to_owned())
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn one_form(text: &str) -> String {
    text.nfc().collect::<String>().to_lowercase().nfc().collect()
}

fn check(address: &str) -> Result<(), EmailError> {
    let (local, domain) = address.rsplit_once('@').ok_or(EmailError::Malformed)?;
    let bad = |c: char| {
        c.is_control()
            || c.is_whitespace()
            || is_invisible(c)
            || matches!(c, '"' | '(' | ')' | ',' | ':' | ';' | '<' | '>' | '[' | ']' | '\\' | '@')
    };
    let label = |l: &str| !l.is_empty() && !l.starts_with('-') && !l.ends_with('-');
    if local.is_empty()
        || local.chars().any(bad)
        || domain.chars().any(bad)
        || local.starts_with('.')
        || local.ends_with('.')
        || local.contains("..")
        || !domain.contains('.')
        || !domain.split('.').all(label)
    {
        return Err(EmailError::Malformed);
    }
    if local.len() > 64 || address.len() > 254 {
        return Err(EmailError::TooLong);
    }
    Ok(())
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_whatever_the_case_and_the_form() {
        assert_eq!(Email::new(" Ana@Example.org "), Email::new("ana@example.org"));
        assert_eq!(Email::new("jose\u{301}@example.org"), Email::new("jos\u{e9}@example.org"));
        assert_eq!(Email::new("JOSE\u{301}@example.org").unwrap().as_str(), "jos\u{e9}@example.org");
    }

    #[test]
    fn refuses_what_cannot_be_an_address() {
        for text in [
            "",
            "ana",
            "@example.org",
            "ana@",
            "ana@localhost",
            "a b@example.org",
            "a\0b@example.org",
            "a@b@example.org",
            "a@-b.org",
            "a@b..org",
            ".a@example.org",
            "a..b@example.org",
        ] {
            assert_eq!(Email::new(text), Err(EmailError::Malformed), "{text:?}");
        }
        assert_eq!(Email::new(&format!("{}@example.org", "a".repeat(65))), Err(EmailError::TooLong));
        assert_eq!(Email::new(&"a".repeat(100_000)), Err(EmailError::TooLong));
        assert!(Email::new("jürgen+menu@exämple.org").is_ok());
    }

    #[test]
    fn what_grows_in_lower_case_is_measured_afterwards() {
        // İ has two octets, and its lower case three.
        let grows = format!("{}@example.org", "\u{130}".repeat(32));
        assert_eq!(grows.split('@').next().map(str::len), Some(64));
        assert_eq!(Email::new(&grows), Err(EmailError::TooLong));
        // U+0390 has two octets in NFC, six in NFD.
        let shrinks = format!("{}@example.org", "\u{3b9}\u{308}\u{301}".repeat(20));
        assert_eq!(Email::new(&shrinks).unwrap().as_str().split('@').next().map(str::len), Some(40));
    }

    #[test]
    fn nobody_looks_like_somebody_else() {
        for invisible in [
            '\u{ad}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{feff}',
            '\u{fe0f}',
            '\u{180e}',
            '\u{3164}',
            '\u{e0041}',
            '\u{2028}',
            '\u{85}',
        ] {
            for address in [format!("us{invisible}er@example.org"), format!("user@exa{invisible}mple.org")] {
                assert_eq!(Email::new(&address), Err(EmailError::Malformed), "{address:?}");
            }
        }
    }
}
