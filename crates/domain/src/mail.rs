//! Mails to accounts, who may get them, and the tokens in them.

use std::fmt;

use chrono::TimeDelta;
use thiserror::Error;

use crate::{AccountId, CredentialsVersion, Email, MailId, Timestamp, names::names};

names! {
    /// What a mail to an account is about.
    pub enum MailKind {
        /// Asks whoever reads it to verify the address.
        Verification = "verification",
        /// Lets whoever reads it choose another password.
        PasswordReset = "password-reset",
        /// Reports that the password was changed.
        PasswordChanged = "password-changed",
        /// Reports that the account is an admin's now.
        AdminAppointed = "admin-appointed",
    }

    /// The text names no kind of mail.
    pub struct NotAMailKind("not a kind of mail");
}

impl MailKind {
    /// What the address gets when a mail of this kind is due. A verified address needs no verification. An unverified
    /// one gets nothing else: whoever asks to reset its password verifies it first, and asks again.
    pub const fn for_address(self, verified: bool) -> Option<Self> {
        match (self, verified) {
            (Self::Verification, true) | (Self::PasswordChanged | Self::AdminAppointed, false) => None,
            (Self::Verification | Self::PasswordReset, false) => Some(Self::Verification),
            (Self::PasswordReset | Self::PasswordChanged | Self::AdminAppointed, true) => Some(self),
        }
    }

    /// What the token in the mail is for, if it has one.
    pub const fn purpose(self) -> Option<TokenPurpose> {
        match self {
            Self::Verification => Some(TokenPurpose::Verification),
            Self::PasswordReset => Some(TokenPurpose::PasswordReset),
            Self::PasswordChanged | Self::AdminAppointed => None,
        }
    }

    /// The kinds that anybody may cause by asking for them. Each has a limit of its own, so that whoever asks too often
    /// keeps no other mail from its reader.
    pub const REQUESTED: [Self; 2] = [Self::Verification, Self::PasswordReset];
}

names! {
    /// What the token in a mail proves.
    pub enum TokenPurpose {
        /// That its bearer reads the address's mail.
        Verification = "verification",
        /// The same, for choosing another password.
        PasswordReset = "password-reset",
    }

    /// The text names no purpose.
    pub struct NotATokenPurpose("not a purpose of a token");
}

impl TokenPurpose {
    /// How long a token is valid after its mail was sent: a day, or an hour for one that is as good as the password.
    pub const fn lifetime(self) -> TimeDelta {
        match self {
            Self::Verification => TimeDelta::hours(24),
            Self::PasswordReset => TimeDelta::hours(1),
        }
    }
}

/// The text has not the form of a token, perhaps because a part of it is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be the whole token from the mail, {} characters long", MailToken::LENGTH)]
pub struct MalformedMailToken;

/// A secret that was mailed: 256 random bits in base64url.
#[derive(Clone, PartialEq, Eq)]
pub struct MailToken(String);

impl MailToken {
    /// The number of characters.
    pub const LENGTH: usize = 43;

    /// Checks the form. White space around the token is not part of it.
    pub fn new(text: &str) -> Result<Self, MalformedMailToken> {
        let text = text.trim();
        let is_base64url = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
        if text.len() == Self::LENGTH && text.bytes().all(is_base64url) {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedMailToken)
        }
    }

    /// The token as text, for its mail and for hashing.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MailToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailToken(…)")
    }
}

/// What is stored of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MailTokenHash([u8; 32]);

impl MailTokenHash {
    /// Wraps a digest of 256 bits.
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The bits.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// What is stored of a token that is about to be mailed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMailToken {
    /// The hash of the token.
    pub hash: MailTokenHash,
    /// What it proves.
    pub purpose: TokenPurpose,
    /// The account.
    pub account_id: AccountId,
    /// The address that it is mailed to.
    pub email: Email,
    /// Until when it is valid.
    pub expires_at: Timestamp,
    /// The version of the account's credentials. A token that resets the password is worthless once they change.
    pub credentials: CredentialsVersion,
}

/// Why a token does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum MailTokenRefusal {
    /// It was never mailed, was mailed for another purpose, or has been forgotten.
    #[error("is not a token that was mailed for this")]
    Unknown,
    /// Its time is over.
    #[error("has expired; ask for another mail")]
    Expired,
    /// It was mailed to another account than the one that is signed in.
    #[error("was mailed to another account than the one that is signed in")]
    Foreign,
    /// It resets a password, and the account's password, role or state has changed since it was mailed.
    #[error("was mailed before the account was changed; ask for another mail")]
    Outdated,
    /// It, or another of the same purpose and account, was used.
    #[error("was used before; ask for another mail")]
    Spent,
}

/// A mail to an account, as it is sent. It holds no text that a person has typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountMail {
    /// The id, which stays the same when the mail is sent again.
    pub id: MailId,
    /// What it is about.
    pub kind: MailKind,
    /// What was asked for: a password reset that became a verification says what its reader has to do next.
    pub asked: MailKind,
    /// Whom it goes to.
    pub to: Email,
    /// The token, for a kind that has a purpose.
    pub token: Option<MailToken>,
}

/// What the mails to an address are counted by: the address without what many providers ignore, a tag after a plus
/// sign, and dots at Google's. Otherwise one reader could be written to under any number of addresses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mailbox(String);

impl Mailbox {
    /// The mailbox of an address.
    pub fn of(email: &Email) -> Self {
        // Whichever spelling is stored, the least of them is the same.
        let address = email.in_one_form().domain_spellings().min().unwrap_or_default();
        let (local, domain) = address.rsplit_once('@').unwrap_or((&address, ""));
        let untagged = match local.split_once('+') {
            Some((name, _)) if !name.is_empty() => name,
            _ => local,
        };
        match domain {
            "gmail.com" | "googlemail.com" => Self(format!("{}@gmail.com", untagged.replace('.', ""))),
            _ => Self(format!("{untagged}@{domain}")),
        }
    }

    /// The mailbox as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How many mails an address may get in an hour. An account has one address, so it gets no more either. Each limit
/// counts twice, so that whoever causes mails of one kind keeps none of another from its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailLimits {
    /// Mails that were asked for, for each of [`MailKind::REQUESTED`].
    pub requested: u32,
    /// All other mails: this many about orders, and this many notices.
    pub others: u32,
}

/// The time in which the limits count.
pub const MAIL_LIMIT_PERIOD: TimeDelta = TimeDelta::hours(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unverified_address_gets_nothing_but_the_verification() {
        for kind in MailKind::ALL {
            assert!(matches!(kind.for_address(false), None | Some(MailKind::Verification)), "{kind}");
            let verified = (kind != MailKind::Verification).then_some(kind);
            assert_eq!(kind.for_address(true), verified, "{kind}");
        }
        assert_eq!(MailKind::PasswordReset.for_address(false), Some(MailKind::Verification));
    }

    #[test]
    fn names_lead_back_to_what_they_were_written_for() {
        for kind in MailKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        for purpose in TokenPurpose::ALL {
            assert_eq!(purpose.as_str().parse(), Ok(purpose));
        }
    }

    #[test]
    fn a_part_of_a_token_is_none() {
        let whole = "aB3-_".repeat(9)[..MailToken::LENGTH].to_owned();
        assert_eq!(MailToken::new(&format!(" {whole}\n")).map(|token| token.expose().to_owned()), Ok(whole.clone()));
        for text in ["", &whole[1..], &format!("{whole}a"), &whole.replace('-', "+"), &whole.replace("aB", "ä")] {
            assert_eq!(MailToken::new(text), Err(MalformedMailToken), "{text:?}");
        }
        assert!(!format!("{:?}", MailToken::new(&whole)).contains("aB3"));
    }

    #[test]
    fn addresses_of_one_mailbox_are_counted_together() {
        let mailbox = |text: &str| Mailbox::of(&Email::new(text).expect("an address"));
        assert_eq!(mailbox("ana+1@example.org"), mailbox("ana@example.org"));
        assert_eq!(mailbox("a.n.a+x+y@gmail.com"), mailbox("ana@googlemail.com"));
        assert_eq!(Mailbox::of(&Email::stored("\u{ff41}na+1@example.org")), mailbox("ana@example.org"));
        let punycode = Mailbox::of(&Email::stored("ana+1@xn--bcher-kva.example"));
        assert_eq!(punycode, mailbox("ana@b\u{fc}cher.example"));
        assert_ne!(mailbox("a.na@example.org"), mailbox("ana@example.org"));
        assert_ne!(mailbox("+1@example.org"), mailbox("+2@example.org"));
    }
}
