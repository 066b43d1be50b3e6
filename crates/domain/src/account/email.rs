//! E-mail addresses, as far as they can be judged without sending anything.

use std::{
    borrow::Cow,
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

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
#[derive(Clone)]
pub struct Email {
    address: String,
    /// As somebody typed it, where that differs. It belongs to no comparison.
    typed: Option<String>,
}

impl Email {
    /// Trims, brings into the one form, and checks what comes out of that. Deliberately lenient inside the part before
    /// the `@`: only the owner of a mailbox can prove it exists.
    pub fn new(text: &str) -> Result<Self, EmailError> {
        let text = bounded(text)?;
        let address = one_form(text)?;
        // A few characters have several lower-case forms, one after the other: they would be another account each time.
        if one_form(&address)? != address {
            return Err(EmailError::Malformed);
        }
        check(&address)?;
        Ok(Self::stored(&address).typed_as(text))
    }

    /// An address typed to sign in, or to get a mail: one that today's rules refuse may have been registered under
    /// those of before.
    pub fn attempt(text: &str) -> Result<Self, EmailError> {
        Self::new(text).or_else(|refusal| {
            let text = bounded(text)?;
            let address = in_lower_case(text);
            // Attempts are counted by address: a domain must not have any number of spellings.
            let parts = address.rsplit_once('@').ok_or(refusal)?;
            let address = domain_in_unicode(parts.1).map_or(address.clone(), |domain| format!("{}@{domain}", parts.0));
            check(&address).map_err(|_| refusal)?;
            Ok(Self::stored(&address).typed_as(text))
        })
    }

    /// An address that was accepted before, whatever the rules are today.
    pub fn stored(address: &str) -> Self {
        Self { address: address.to_owned(), typed: None }
    }

    /// The same address, of which it is known how somebody typed it.
    #[must_use]
    pub fn typed_as(self, text: &str) -> Self {
        let typed = (text != self.address && !text.contains(char::is_control)).then(|| text.to_owned());
        Self { typed, ..self }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// How it was typed, if that is known and differs from [`Email::as_str`].
    pub fn typed(&self) -> Option<&str> {
        self.typed.as_deref()
    }

    /// The address in the form that it has when it is typed today, by which attempts and mails are counted. That of a
    /// stored address may be another one than is stored.
    #[must_use]
    pub fn in_one_form(&self) -> Self {
        Self::attempt(&self.address).unwrap_or_else(|_| self.clone())
    }

    /// The address as mail servers take it that know no other script: with the domain in Punycode.
    pub fn for_mail(&self) -> String {
        let ascii = self.address.rsplit_once('@').and_then(|(local, domain)| Some((local, domain_in_ascii(domain)?)));
        ascii.map_or_else(|| self.address.clone(), |(local, domain)| format!("{local}@{domain}"))
    }

    /// The spellings under which the address may be stored, which are several where it was stored before addresses had
    /// one form: as it was typed, the same in lower case, in the one form, and with the domain in Punycode or without.
    /// Who types exactly what is stored means that, so the first that is found counts.
    pub fn spellings(&self) -> Vec<String> {
        let typed = self.typed.iter().flat_map(|typed| [typed.clone(), in_lower_case(typed)]);
        let mut spellings = Vec::new();
        for spelling in typed.chain(self.domain_spellings()) {
            if !spellings.contains(&spelling) {
                spellings.push(spelling);
            }
        }
        spellings
    }

    /// The address itself, and with the domain in Punycode and without.
    pub(crate) fn domain_spellings(&self) -> impl Iterator<Item = String> {
        let parts = self.address.rsplit_once('@');
        let others = parts.into_iter().flat_map(|(local, domain)| {
            let domains = [domain_in_ascii(domain), domain_in_unicode(domain)].into_iter().flatten();
            domains.map(move |domain| format!("{local}@{domain}"))
        });
        std::iter::once(self.address.clone()).chain(others)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Email").field(&self.address).finish()
    }
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address
    }
}

impl Eq for Email {}

impl PartialOrd for Email {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Email {
    fn cmp(&self, other: &Self) -> Ordering {
        self.address.cmp(&other.address)
    }
}

impl Hash for Email {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address.hash(state);
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
        // PRECIS goes letter by letter, and knows no sigma at the end of a word.
        false => UsernameCaseMapped::enforce(local.to_lowercase()).map_err(|_| EmailError::Malformed)?.into_owned(),
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
        self.address.fmt(f)
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
    fn greek_words_are_the_same_in_capitals() {
        let address = Email::new("\u{3bf}\u{3b4}\u{3cc}\u{3c2}@example.org").unwrap();
        assert_eq!(Email::new("\u{39f}\u{394}\u{38c}\u{3a3}@example.org"), Ok(address));
    }

    #[test]
    fn an_address_of_before_has_one_domain() {
        let address = Email::attempt("i\u{2764}@example.org").unwrap();
        for domain in ["EXAMPLE.ORG", "\u{ff45}xample.org", "exa\u{ff4d}ple\u{3002}org"] {
            assert_eq!(Email::attempt(&format!("i\u{2764}@{domain}")).as_ref(), Ok(&address), "{domain}");
        }
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
    fn an_address_is_looked_for_as_it_was_typed_first() {
        let typed = Email::new(" \u{ff21}na@example.org ").unwrap();
        assert_eq!(typed, Email::new("ana@example.org").unwrap());
        assert_eq!(typed.spellings(), ["\u{ff21}na@example.org", "\u{ff41}na@example.org", "ana@example.org"]);
        assert_eq!(Email::attempt("I\u{2764}@example.org").unwrap().spellings()[1], "i\u{2764}@example.org");
        assert_eq!(Email::stored("a").typed_as("a\0").spellings(), ["a"], "nothing that cannot be stored");
    }

    #[test]
    fn a_stored_address_is_counted_as_it_is_when_it_is_typed() {
        for (stored, counted) in [
            ("ana@xn--bcher-kva.example", "ana@b\u{fc}cher.example"),
            ("\u{ff41}na@example.org", "ana@example.org"),
            ("i\u{2764}@\u{ff45}xample.org", "i\u{2764}@example.org"),
            ("us\u{200b}er@example.org", "us\u{200b}er@example.org"),
        ] {
            assert_eq!(Email::stored(stored).in_one_form().as_str(), counted);
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
