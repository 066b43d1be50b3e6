use std::{
    borrow::Cow,
    fmt,
    path::Path,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use comanda_domain::ports::Unavailable;
use comanda_tls::{Authorities, InvalidAuthorities, refusal};
use percent_encoding::percent_decode_str;
use thiserror::Error;
use tokio_postgres::{
    Client, Connection, Error, Socket,
    config::{Config, Host, SslMode, SslNegotiation},
    error::SqlState,
    tls::MakeTlsConnect,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls::Protection;

/// Where PostgreSQL is, whom to sign in as, and how connections are protected:
/// `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=/etc/comanda/ca.pem`. Never printed, for
/// the password's sake.
#[derive(Clone)]
pub struct DatabaseUrl {
    /// With the mode of the protection.
    config: Config,
    connector: MakeRustlsConnect,
    addresses: String,
    /// Whether the URL itself says when a silent connection is probed. The configuration cannot tell.
    sets_keepalives_idle: bool,
    /// Whether it was logged that a connection is not encrypted although TLS is offered.
    told: Arc<AtomicBool>,
}

/// A connection, encrypted or not.
pub(super) type Wire = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// Why a URL cannot be used. The URL itself is left out: it may hold a password.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum InvalidDatabaseUrl {
    #[error("must begin with postgres:// or postgresql://")]
    Scheme,
    #[error(
        "is not a URL such as postgres://user:password@host:port/database; special characters of a user or a password \
         must be percent-encoded"
    )]
    Malformed,
    #[error("names no host")]
    NoHost,
    #[error("must name one port for all hosts, or one port per host")]
    Ports,
    #[error("sslmode must be disable, prefer, require, verify-ca or verify-full")]
    SslMode,
    #[error("sslnegotiation=direct needs sslmode=require, verify-ca or verify-full")]
    Negotiation,
    #[error("sslrootcert is of no use unless sslmode is require, verify-ca or verify-full")]
    UselessAuthorities,
    #[error(
        "anybody can get a certificate of a public authority: use sslmode=verify-full, or name your own authority's \
         certificate by sslrootcert=<file>"
    )]
    PublicAuthorities,
    #[error("sslrootcert: {0}")]
    Authorities(#[from] InvalidAuthorities),
    #[error("TLS cannot be used: {0}")]
    Tls(#[from] rustls::Error),
}

impl DatabaseUrl {
    /// The hosts and ports, separated by commas, without the user and the password.
    pub fn addresses(&self) -> &str {
        &self.addresses
    }

    /// The role to sign in as. `None`: whatever the operating system calls the account that runs this.
    pub fn role(&self) -> Option<&str> {
        self.config.get_user()
    }

    /// Whether passwords and data may cross a network in plain text: TLS is optional or off, and a host is neither this
    /// machine nor a Unix socket.
    pub fn may_be_overheard(&self) -> bool {
        let is_local = |host: &Host| match host {
            Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()),
            Host::Unix(_) => true,
        };
        let hosts_are_local = match self.config.get_hostaddrs() {
            [] => self.config.get_hosts().iter().all(is_local),
            addresses => addresses.iter().all(std::net::IpAddr::is_loopback),
        };
        self.config.get_ssl_mode() != SslMode::Require && !hosts_are_local
    }

    /// Opens a connection and closes it. The error has the cause, which Diesel's errors leave out.
    pub async fn probe(&self, wait: Duration) -> Result<(), Unavailable> {
        tokio::time::timeout(wait, self.connect()).await.map_err(Unavailable::new)?.map(drop).map_err(Unavailable::new)
    }

    /// Adds timeouts that the URL does not set itself. When the database's machine disappears without closing its
    /// connections, nobody waits for it much longer than it takes to find its successor.
    pub(super) fn with_time_limits(mut self) -> Self {
        if self.config.get_connect_timeout().is_none() {
            self.config.connect_timeout(Duration::from_secs(1));
        }
        if self.config.get_tcp_user_timeout().is_none() {
            self.config.tcp_user_timeout(Duration::from_secs(5));
        }
        if !self.sets_keepalives_idle {
            self.config.keepalives_idle(Duration::from_secs(10));
        }
        self
    }

    /// Opens a connection. The one place that does.
    pub(super) async fn connect(&self) -> Result<(Client, Wire), Error> {
        match self.config.connect(self.connector.clone()).await {
            Err(error) if self.config.get_ssl_mode() == SslMode::Prefer && is_for_lack_of_tls(&error) => {
                if !self.told.swap(true, Ordering::Relaxed) {
                    let reason = refusal(&error).unwrap_or_else(|| error.to_string());
                    tracing::warn!(addresses = self.addresses, reason, "connecting to PostgreSQL without TLS");
                }
                let mut plain = self.config.clone();
                plain.ssl_mode(SslMode::Disable).connect(self.connector.clone()).await
            }
            connected => connected,
        }
    }
}

/// Whether a connection that need not be encrypted could succeed without TLS, as libpq has it: the handshake failed, or
/// `pg_hba.conf` has no line for an encrypted connection.
fn is_for_lack_of_tls(error: &Error) -> bool {
    refusal(error).is_some() || error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    /// Reads the file of authorities, too, and refuses whatever could never connect.
    fn from_str(url: &str) -> Result<Self, InvalidDatabaseUrl> {
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(InvalidDatabaseUrl::Scheme);
        }
        let (url, tls) = split(url)?;
        let mut config: Config = url.parse().map_err(|_| InvalidDatabaseUrl::Malformed)?;
        let hosts = config.get_hosts().len().max(config.get_hostaddrs().len());
        if hosts == 0 || config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(name) if name.is_empty())) {
            return Err(InvalidDatabaseUrl::NoHost);
        }
        if config.get_ports().len() > 1 && config.get_ports().len() != hosts {
            return Err(InvalidDatabaseUrl::Ports);
        }
        if config.get_hosts().is_empty() {
            // Certificates are verified, and TLS is negotiated, for a host.
            for address in config.get_hostaddrs().to_vec() {
                config.host(address.to_string());
            }
        }
        // As libpq has it, a Unix socket is never encrypted.
        let sockets = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        let protection = tls.protection()?;
        config.ssl_mode(if sockets { SslMode::Disable } else { protection.mode() });
        if config.get_ssl_negotiation() == SslNegotiation::Direct && config.get_ssl_mode() != SslMode::Require {
            return Err(InvalidDatabaseUrl::Negotiation);
        }
        Ok(Self {
            connector: protection.connector()?,
            addresses: addresses(&config),
            sets_keepalives_idle: url.contains("keepalives_idle="),
            told: Arc::default(),
            config,
        })
    }
}

/// What a URL says of TLS.
#[derive(Default)]
struct TlsParameters<'a> {
    mode: Option<Cow<'a, str>>,
    authorities: Option<Cow<'a, str>>,
}

impl TlsParameters<'_> {
    fn protection(&self) -> Result<Protection, InvalidDatabaseUrl> {
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

/// Parts what `tokio_postgres` does not know from what it does.
fn split(url: &str) -> Result<(Cow<'_, str>, TlsParameters<'_>), InvalidDatabaseUrl> {
    let mut tls = TlsParameters::default();
    // A password may hold a question mark.
    let credentials = url.find('@').unwrap_or(0);
    let Some(query) = url[credentials..].find('?').map(|position| credentials + position) else {
        return Ok((url.into(), tls));
    };
    let mut kept = Vec::new();
    for parameter in url[query + 1..].split('&') {
        let (name, value) = parameter.split_once('=').unwrap_or_default();
        let value = || percent_decode_str(value).decode_utf8().map_err(|_| InvalidDatabaseUrl::Malformed);
        match name {
            "sslmode" => tls.mode = Some(value()?),
            "sslrootcert" => tls.authorities = Some(value()?),
            _ => kept.push(parameter),
        }
    }
    let kept = kept.join("&");
    let separator = if kept.is_empty() { "" } else { "?" };
    Ok((format!("{}{separator}{kept}", &url[..query]).into(), tls))
}

fn addresses(config: &Config) -> String {
    const PORT: u16 = 5432;
    let ports = config.get_ports();
    let port = |position: usize| ports.get(position).or(ports.first()).copied().unwrap_or(PORT);
    let hosts = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(folder) => folder.display().to_string(),
    });
    let hosts: Vec<String> = match config.get_hosts() {
        [] => config.get_hostaddrs().iter().map(ToString::to_string).collect(),
        _ => hosts.collect(),
    };
    let addresses = hosts.iter().enumerate().map(|(position, host)| format!("{host}:{}", port(position)));
    addresses.collect::<Vec<_>>().join(", ")
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({}, …)", self.addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_could_never_connect_is_refused() {
        use InvalidDatabaseUrl::{
            Malformed, Negotiation, NoHost, Ports, PublicAuthorities, Scheme, SslMode, UselessAuthorities,
        };
        for (url, expected) in [
            ("", Scheme),
            ("mysql://localhost/comanda", Scheme),
            ("host=localhost dbname=comanda", Scheme),
            ("postgres://localhost:port/comanda", Malformed),
            ("postgres://localhost/comanda?colour=red", Malformed),
            ("postgres:///comanda", NoHost),
            ("postgres://a:1,b:2,c:3/comanda?port=7", Ports),
            ("postgres://localhost/comanda?sslmode=allow", SslMode),
            ("postgres://localhost/comanda?sslmode=VERIFY-FULL", SslMode),
            ("postgres://localhost/comanda?sslmode=", SslMode),
            ("postgres://localhost/comanda?sslmode=verify-full&sslmode=off", SslMode),
            ("postgres://localhost/comanda?sslmode=%ff", Malformed),
            ("postgres://localhost/comanda?sslmode", Malformed),
            ("postgres://localhost/comanda?sslmode=require&colour=red", Malformed),
            ("postgres://localhost/comanda?sslnegotiation=direct", Negotiation),
            ("postgres://localhost/comanda?sslrootcert=/etc/ca.pem", UselessAuthorities),
            ("postgres://localhost/comanda?sslmode=disable&sslrootcert=/etc/ca.pem", UselessAuthorities),
            ("postgres://localhost/comanda?sslmode=verify-ca", PublicAuthorities),
            ("postgres://localhost/comanda?sslmode=require&sslrootcert=system", PublicAuthorities),
        ] {
            assert_eq!(url.parse::<DatabaseUrl>().unwrap_err(), expected, "{url}");
        }
    }

    #[test]
    fn a_file_of_authorities_is_read_with_the_url() {
        let url = "postgres://localhost/comanda?sslmode=verify-full&sslrootcert=";
        let refused = format!("{url}/nowhere/our%20ca.pem").parse::<DatabaseUrl>().unwrap_err().to_string();
        assert!(refused.contains("cannot read the file /nowhere/our ca.pem"), "{refused}");
        let refused = format!("{url}/dev/null").parse::<DatabaseUrl>().unwrap_err().to_string();
        assert!(refused.contains("there is no certificate in it"), "{refused}");
    }

    #[test]
    fn the_mode_of_tls_is_told_from_other_parameters() {
        for (url, mode) in [
            ("postgres://localhost/comanda", SslMode::Prefer),
            ("postgres://localhost?sslmode=prefer", SslMode::Prefer),
            ("postgres://localhost/comanda?sslmode=require&application_name=a", SslMode::Require),
            ("postgres://localhost/comanda?application_name=a&sslmode=disable", SslMode::Disable),
            ("postgres://ana:a?sslmode=disable@localhost/comanda?sslmode=%72equire", SslMode::Require),
            ("postgres://localhost/comanda?sslmode=require&sslnegotiation=direct", SslMode::Require),
            // Unix sockets are never encrypted.
            ("postgres:///comanda?host=/run/postgresql&sslmode=require", SslMode::Disable),
        ] {
            let url: DatabaseUrl = url.parse().unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(url.config.get_ssl_mode(), mode, "{url:?}");
        }
        let url: DatabaseUrl = "postgres://ana:a?b@localhost/comanda?sslmode=require&options=c".parse().unwrap();
        assert_eq!((url.config.get_password(), url.config.get_options()), (Some(&b"a?b"[..]), Some("c")));
    }

    #[test]
    fn what_another_machine_is_told_in_plain_text_can_be_overheard() {
        for (url, expected) in [
            ("postgres://db.example/comanda", true),
            ("postgres://db.example/comanda?sslmode=disable", true),
            ("postgres://localhost,db.example/comanda", true),
            ("postgres://localhost/comanda?hostaddr=10.0.0.7", true),
            ("postgres://db.example/comanda?sslmode=require", false),
            ("postgres://localhost,127.0.0.2,[::1]/comanda", false),
            ("postgres:///comanda?hostaddr=127.0.0.1", false),
            ("postgres:///comanda?host=/run/postgresql", false),
        ] {
            assert_eq!(url.parse::<DatabaseUrl>().unwrap().may_be_overheard(), expected, "{url}");
        }
    }

    #[test]
    fn time_limits_are_added_where_the_url_sets_none() {
        let limits = |url: &str| {
            let config = url.parse::<DatabaseUrl>().unwrap().with_time_limits().config;
            let connect = config.get_connect_timeout().copied();
            (connect, config.get_tcp_user_timeout().copied(), config.get_keepalives_idle())
        };
        let seconds = Duration::from_secs;
        assert_eq!(limits("postgres://localhost/comanda"), (Some(seconds(1)), Some(seconds(5)), seconds(10)));
        let own = "postgres://localhost/comanda?connect_timeout=2&tcp_user_timeout=3&keepalives_idle=7200";
        assert_eq!(limits(own), (Some(seconds(2)), Some(seconds(3)), seconds(7200)));
    }

    #[test]
    fn the_addresses_are_known_and_the_password_is_not_printed() {
        for (url, addresses) in [
            ("postgres://ana:hunter2@localhost/comanda", "localhost:5432"),
            ("postgresql://ana:hunter2@a:1,b:2/comanda?target_session_attrs=read-write", "a:1, b:2"),
            ("postgres://ana:hunter2@%2Fvar%2Frun/comanda", "/var/run:5432"),
            ("postgres:///comanda?host=/tmp/sockets&user=ana&password=hunter2", "/tmp/sockets:5432"),
            ("postgres:///comanda?hostaddr=127.0.0.1,::1&user=ana&password=hunter2", "127.0.0.1:5432, ::1:5432"),
        ] {
            let url: DatabaseUrl = url.parse().unwrap();
            assert_eq!(url.addresses(), addresses);
            assert!(!format!("{url:?}").contains("hunter2"));
        }
    }
}
