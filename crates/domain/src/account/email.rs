//! E-mail addresses, as far as they can be judged without sending anything.

use std::{borrow::Cow, fmt};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use precis_profiles::{UsernameCaseMapped, precis_core::profile::PrecisFastInvocation};
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

/// An address in the one form that all of its spellings have: `Ana@Example.org` and `ana@example.org` are one account.
///
/// The part before the `@` is a `UsernameCaseMapped` (RFC 8265). RFC 5321 lets a mailbox distinguish case; no provider
/// of consequence does, and two accounts a letter apart help only impostors. The domain is shown in its own script and
/// not in Punycode (UTS #46), so that `xn--bcher-kva.example` and `bücher.example` are one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Email {
    /// Trims, brings into the one form, and checks what comes out of that. Deliberately lenient inside the part before
    /// the `@`: only the owner of a mailbox can prove it exists.
    pub fn new(text: &str) -> Result<Self, EmailError> {
        let address = one_form(bounded(text)?)?;
        // A few characters have several lower-case forms, one after the other: they would be another account each time.
        if one_form(&address)? != address {
            return Err(EmailError::Malformed);
        }
        check(&address)?;
        Ok(Self(address))
    }

    /// An address typed to sign in, or to get a mail: one that today's rules refuse may have been registered under
    /// those of before.
    pub fn attempt(text: &str) -> Result<Self, EmailError> {
        Self::new(text).or_else(|refusal| {
            let address = in_lower_case(bounded(text)?);
            check(&address).map_err(|_| refusal)?;
            Ok(Self(address))
        })
    }

    /// An address that was accepted before, whatever the rules are today.
    pub fn stored(address: &str) -> Self {
        Self(address.to_owned())
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address as mail servers take it that know no other script: with the domain in Punycode.
    pub fn for_mail(&self) -> String {
        let ascii = self.0.rsplit_once('@').and_then(|(local, domain)| Some((local, domain_in_ascii(domain)?)));
        ascii.map_or_else(|| self.0.clone(), |(local, domain)| format!("{local}@{domain}"))
    }

    /// The address, followed by its other spellings under which it may have been stored before addresses had one form:
    /// with the domain in Punycode, or without.
    pub fn spellings(&self) -> Vec<String> {
        let mut spellings = vec![self.0.clone()];
        if let Some((local, domain)) = self.0.rsplit_once('@') {
            for domain in [domain_in_ascii(domain), domain_in_unicode(domain)].into_iter().flatten() {
                let spelling = format!("{local}@{domain}");
                if !spellings.contains(&spelling) {
                    spellings.push(spelling);
                }
            }
        }
        spellings
    }
}

/// Whatever is longer than this has no short form; the work stays bounded.
fn bounded(text: &str) -> Result<&str, EmailError> {
    if text.len() > 4096 { Err(EmailError::TooLong) } else { Ok(text.trim()) }
}

fn in_lower_case(text: &str) -> String {
    text.nfc().collect::<String>().to_lowercase().nfc().collect()
}

fn one_form(text: &str) -> Result<String, EmailError> {
    let composed: String = text.nfc().collect();
    let (local, domain) = composed.rsplit_once('@').ok_or(EmailError::Malformed)?;
    // Bringing a domain into one form drops what nobody sees; it could look like another.
    if local.chars().chain(domain.chars()).any(is_out_of_place) {
        return Err(EmailError::Malformed);
    }
    let local = match local.is_ascii() {
        true => local.to_ascii_lowercase(),
        false => UsernameCaseMapped::enforce(local).map_err(|_| EmailError::Malformed)?.into_owned(),
    };
    let domain = domain_in_unicode(domain).ok_or(EmailError::Malformed)?;
    Ok(format!("{local}@{domain}"))
}

fn domain_in_unicode(domain: &str) -> Option<String> {
    let (unicode, valid) = Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::URL, Hyphens::CheckFirstLast);
    valid.ok().map(|()| unicode.into_owned())
}

fn domain_in_ascii(domain: &str) -> Option<String> {
    let ascii =
        Uts46::new().to_ascii(domain.as_bytes(), AsciiDenyList::URL, Hyphens::CheckFirstLast, DnsLength::Ignore);
    ascii.ok().map(Cow::into_owned)
}

/// Whether no part of an address has this character.
fn is_out_of_place(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || is_invisible(c)
        || matches!(c, '"' | '(' | ')' | ',' | ':' | ';' | '<' | '>' | '[' | ']' | '\\' | '@')
}

fn check(address: &str) -> Result<(), EmailError> {
    let (local, domain) = address.rsplit_once('@').ok_or(EmailError::Malformed)?;
    let label = |l: &str| !l.is_empty() && !l.starts_with('-') && !l.ends_with('-');
    if local.is_empty()
        || local.chars().any(is_out_of_place)
        || domain.chars().any(is_out_of_place)
        || local.starts_with('.')
        || local.ends_with('.')
        || local.contains("..")
        || !domain.contains('.')
        || !domain.split('.').all(label)
    {
        return Err(EmailError::Malformed);
    }
    // Mail servers see the domain in Punycode.
    let ascii = domain_in_ascii(domain).map_or(domain.len(), |ascii| ascii.len());
    if local.len() > 64 || local.len() + 1 + domain.len().max(ascii) > 254 {
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_account_whatever_the_case_and_the_form() {
        assert_eq!(Email::new(" Ana@Example.org "), Email::new("ana@example.org"));
        assert_eq!(Email::new("jose\u{301}@example.org"), Email::new("jos\u{e9}@example.org"));
        assert_eq!(Email::new("JOSE\u{301}@example.org").unwrap().as_str(), "jos\u{e9}@example.org");
    }

    #[test]
    fn an_internationalised_domain_has_one_spelling() {
        let address = Email::new("ana@b\u{fc}cher.example").unwrap();
        for twin in [
            "ana@bu\u{308}cher.example",
            "ANA@B\u{dc}CHER.example",
            "ana@xn--bcher-kva.example",
            "ana@XN--BCHER-KVA.EXAMPLE",
        ] {
            assert_eq!(Email::new(twin).as_ref(), Ok(&address), "{twin:?}");
        }
        assert_eq!(address.spellings(), ["ana@b\u{fc}cher.example", "ana@xn--bcher-kva.example"]);
        assert_eq!(address.for_mail(), "ana@xn--bcher-kva.example");
        assert_eq!(Email::stored("ana@localhost").for_mail(), "ana@localhost");
        assert_eq!(
            Email::stored("ana@xn--bcher-kva.example").spellings(),
            ["ana@xn--bcher-kva.example", "ana@b\u{fc}cher.example"]
        );
        assert_eq!(Email::new("ana@example.org").unwrap().spellings(), ["ana@example.org"]);
        assert_eq!(Email::new("\u{ff41}na@ex\u{ff41}mple\u{3002}org"), Email::new("ana@example.org"), "full width");
        for broken in ["ana@xn--a.example", "ana@xn--\u{fc}.example", "ana@-example.org", "ana@example-.org"] {
            assert_eq!(Email::new(broken), Err(EmailError::Malformed), "{broken:?}");
        }
    }

    #[test]
    fn addresses_in_every_script_are_accepted() {
        for address in [
            "j\u{fc}rgen@example.org",
            "\u{645}\u{62d}\u{645}\u{62f}@example.org",
            "\u{5d3}\u{5d5}\u{5d3}@\u{5d3}\u{5d5}\u{5d2}\u{5de}\u{5d4}.example",
            "\u{930}\u{93e}\u{92e}@example.org",
            "\u{7528}\u{6237}@\u{4f8b}\u{5b50}.\u{6d4b}\u{8bd5}",
            "o'neil+menu!#$%&*/=?^_`{|}~-@sub.example.org",
            "ana@under_score.example.org",
        ] {
            assert_eq!(Email::new(address).as_ref().map(Email::as_str), Ok(address));
        }
    }

    #[test]
    fn what_was_registered_under_older_rules_can_still_be_typed() {
        // A symbol, which RFC 8265 excludes.
        assert_eq!(Email::new("I\u{2764}@Example.org"), Err(EmailError::Malformed));
        assert_eq!(Email::attempt("I\u{2764}@Example.org").unwrap().as_str(), "i\u{2764}@example.org");
        assert_eq!(Email::attempt("Ana@Example.org"), Email::new("ana@example.org"));
        assert_eq!(Email::attempt("us\u{200b}er@example.org"), Err(EmailError::Malformed));
        assert_eq!(Email::attempt(&format!("{}@example.org", "a".repeat(65))), Err(EmailError::TooLong));
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_accepted_again_unchanged(
            text in prop_oneof!["\\PC{1,20}@\\PC{1,20}\\.\\PC{1,8}", "\\p{L}{1,70}@\\p{L}{1,20}\\.org", any::<String>()]
        ) {
            if let Ok(email) = Email::new(&text) {
                prop_assert!(Email::new(email.as_str()).as_ref() == Ok(&email));
                prop_assert!(email.spellings().iter().all(|spelling| Email::new(spelling).as_ref() == Ok(&email)));
            }
        }
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
        // Ⱥ has two octets, and its lower case three.
        let grows = format!("{}@example.org", "\u{23a}".repeat(32));
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
