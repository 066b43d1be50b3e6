//! The parameters of a URL that `tokio_postgres` does not know, or does not tell whether they are set.

use std::{borrow::Cow, path::Path};

use comanda_tls::Authorities;
use percent_encoding::percent_decode_str;
use tokio_postgres::config::Config;

use super::InvalidDatabaseUrl;
use crate::database::tls::Protection;

/// The time limits that a URL sets itself, be it to none. The configuration cannot tell that from saying nothing.
#[derive(Clone, Copy, Default)]
pub(super) struct OwnLimits {
    pub(super) connect_timeout: bool,
    pub(super) tcp_user_timeout: bool,
    pub(super) keepalives_idle: bool,
}

/// What a URL says of TLS.
#[derive(Default)]
pub(super) struct TlsParameters<'a> {
    mode: Option<Cow<'a, str>>,
    authorities: Option<Cow<'a, str>>,
}

impl TlsParameters<'_> {
    /// The mode and the authorities, as they are written.
    pub(super) fn named(&self) -> (Option<String>, Option<String>) {
        (self.mode.as_deref().map(str::to_owned), self.authorities.as_deref().map(str::to_owned))
    }

    pub(super) fn protection(&self) -> Result<Protection, InvalidDatabaseUrl> {
        // As libpq has it: the authorities that the system trusts.
        const SYSTEM: &str = "system";
        let own = |path: &str| Authorities::read(Path::new(path)).map_err(InvalidDatabaseUrl::from);
        let authorities = self.authorities.as_deref();
        Ok(match (self.mode.as_deref().unwrap_or("prefer"), authorities) {
            ("disable", None) => Protection::None,
            ("prefer", None) => Protection::Preferred,
            ("disable" | "prefer", Some(_)) => return Err(InvalidDatabaseUrl::UselessAuthorities),
            ("require", None) => Protection::Encrypted,
            ("verify-ca", None) | ("require" | "verify-ca", Some(SYSTEM)) => {
                return Err(InvalidDatabaseUrl::PublicAuthorities);
            }
            // Whoever names an authority means it to be asked. So does libpq.
            ("require" | "verify-ca", Some(path)) => Protection::KnownServer(own(path)?),
            ("verify-full", None | Some(SYSTEM)) => Protection::NamedServer(Authorities::of_system()?),
            ("verify-full", Some(path)) => Protection::NamedServer(own(path)?),
            _ => return Err(InvalidDatabaseUrl::SslMode),
        })
    }
}

/// What a URL says, without the files that it names.
pub(super) struct Parts<'a> {
    pub(super) config: Config,
    pub(super) tls: TlsParameters<'a>,
    pub(super) limits: OwnLimits,
}

impl<'a> Parts<'a> {
    pub(super) fn of(url: &'a str) -> Result<Self, InvalidDatabaseUrl> {
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(InvalidDatabaseUrl::Scheme);
        }
        let (url, tls, limits) = split(url)?;
        let config = url.parse().map_err(|_| InvalidDatabaseUrl::Malformed)?;
        Ok(Self { config, tls, limits })
    }
}

/// Parts what `tokio_postgres` does not know from what it does.
fn split(url: &str) -> Result<(Cow<'_, str>, TlsParameters<'_>, OwnLimits), InvalidDatabaseUrl> {
    let (mut tls, mut limits) = (TlsParameters::default(), OwnLimits::default());
    // A password may hold a question mark.
    let credentials = url.find('@').unwrap_or(0);
    let Some(query) = url[credentials..].find('?').map(|position| credentials + position) else {
        return Ok((url.into(), tls, limits));
    };
    let mut kept = Vec::new();
    for parameter in url[query + 1..].split('&') {
        let (name, value) = parameter.split_once('=').unwrap_or_default();
        let decoded = |text| percent_decode_str(text).decode_utf8().map_err(|_| InvalidDatabaseUrl::Malformed);
        // A name may be percent-encoded, too; `tokio_postgres` decodes it.
        match decoded(name)?.as_ref() {
            "sslmode" => {
                tls.mode = Some(decoded(value)?);
                continue;
            }
            "sslrootcert" => {
                tls.authorities = Some(decoded(value)?);
                continue;
            }
            "connect_timeout" => limits.connect_timeout = true,
            "tcp_user_timeout" => limits.tcp_user_timeout = true,
            "keepalives_idle" => limits.keepalives_idle = true,
            _ => {}
        }
        kept.push(parameter);
    }
    let kept = kept.join("&");
    let separator = if kept.is_empty() { "" } else { "?" };
    Ok((format!("{}{separator}{kept}", &url[..query]).into(), tls, limits))
}
