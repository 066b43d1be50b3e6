use std::{fmt, str::FromStr};

use lettre::{AsyncSmtpTransport, Tokio1Executor, message::Mailbox};
use thiserror::Error;
use url::Url;

/// Where a mail server is: `smtp://user:password@host:587?tls=required` or `smtps://…` (lettre's connection URLs).
/// Never printed, for the password's sake.
#[derive(Clone)]
pub struct SmtpUrl {
    url: String,
    encrypted: bool,
    has_password: bool,
}

/// Why a URL cannot be used. The URL itself is left out: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidSmtpUrl {
    #[error("is not a URL such as smtp://user:password@host:587?tls=required")]
    Malformed,
    #[error("must begin with smtp:// or smtps://")]
    Scheme,
    #[error("names no host")]
    NoHost,
    #[error("says neither tls=required nor tls=opportunistic, or holds what the mail client cannot read")]
    Parameters,
}

impl SmtpUrl {
    /// For whoever connects.
    pub fn expose(&self) -> &str {
        &self.url
    }

    /// Whether a password could be sent without TLS: `tls=opportunistic` gives way to whoever stands in between.
    pub const fn risks_its_password(&self) -> bool {
        self.has_password && !self.encrypted
    }
}

impl FromStr for SmtpUrl {
    type Err = InvalidSmtpUrl;

    /// Refuses whatever could never connect.
    fn from_str(text: &str) -> Result<Self, InvalidSmtpUrl> {
        let url = Url::parse(text).map_err(|_| InvalidSmtpUrl::Malformed)?;
        if !matches!(url.scheme(), "smtp" | "smtps") {
            return Err(InvalidSmtpUrl::Scheme);
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(InvalidSmtpUrl::NoHost);
        }
        // Another part of the program may have chosen it before, which is as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        AsyncSmtpTransport::<Tokio1Executor>::from_url(text).map_err(|_| InvalidSmtpUrl::Parameters)?;
        let required = url.query_pairs().any(|(name, value)| name == "tls" && value == "required");
        Ok(Self {
            url: text.to_owned(),
            encrypted: url.scheme() == "smtps" || required,
            has_password: url.password().is_some(),
        })
    }
}

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmtpUrl(…)")
    }
}

/// Whom mails come from: `Trattoria <orders@trattoria.example>`.
#[derive(Clone, Debug)]
pub struct Sender(pub(crate) Mailbox);

/// The text is no mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("is not a mail address such as Trattoria <orders@trattoria.example>")]
pub struct InvalidSender;

impl FromStr for Sender {
    type Err = InvalidSender;

    fn from_str(text: &str) -> Result<Self, InvalidSender> {
        text.parse().map(Self).map_err(|_| InvalidSender)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_could_never_connect_is_refused() {
        use InvalidSmtpUrl::{Malformed, NoHost, Parameters, Scheme};
        for (url, expected) in [
            ("", Malformed),
            ("mail.example", Malformed),
            ("https://mail.example", Scheme),
            ("smtp:", NoHost),
            ("smtp://mail.example?tls=maybe", Parameters),
        ] {
            assert_eq!(url.parse::<SmtpUrl>().unwrap_err(), expected, "{url}");
        }
        assert!("nobody".parse::<Sender>().is_err());
    }

    #[test]
    fn a_password_is_safe_only_if_tls_is_required() {
        for (url, expected) in [
            ("smtp://mail.example", false),
            ("smtp://ana:hunter2@mail.example", true),
            ("smtp://ana:hunter2@mail.example?tls=opportunistic", true),
            ("smtp://ana:hunter2@mail.example?tls=required", false),
            ("smtps://ana:hunter2@mail.example", false),
        ] {
            let parsed: SmtpUrl = url.parse().unwrap();
            assert_eq!(parsed.risks_its_password(), expected, "{url}");
            assert!(!format!("{parsed:?}").contains("hunter2"));
        }
    }
}
