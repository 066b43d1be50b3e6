//! E-mail addresses, as far as they can be judged without sending anything.

use std::fmt;

use thiserror::Error;

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

/// An address in lower case: `Ana@Example.org` and `ana@example.org` are one account. RFC 5321 lets a mailbox
/// distinguish case; no provider of consequence does, and two accounts a letter apart help only impostors.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Email {
    /// Trims, checks and lower-cases. Deliberately lenient inside the local part: only the owner of a mailbox
    /// can prove it exists.
    pub fn new(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError::Malformed)?;
        let bad = |c: char| {
            c.is_control()
                || c.is_whitespace()
                || matches!(c, '"' | '(' | ')' | ',' | ':' | ';' | '<' | '>' | '[' | ']' | '\\' | '@')
        };
        let label = |l: &str| !l.is_empty() && !l.starts_with('-') && !l.ends_with('-');
        if local.is_empty()
            || text.matches('@').count() != 1
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
        if local.len() > 64 || text.len() > 254 {
            return Err(EmailError::TooLong);
        }
        Ok(Self(text.to_lowercase()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
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
    fn one_account_whatever_the_case() {
        assert_eq!(Email::new(" Ana@Example.org "), Email::new("ana@example.org"));
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
        assert!(Email::new("jürgen+menu@exämple.org").is_ok());
    }
}
