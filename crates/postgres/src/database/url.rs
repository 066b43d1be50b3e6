use std::{fmt, str::FromStr, time::Duration};

use comanda_domain::ports::Unavailable;
use thiserror::Error;
use tokio_postgres::{
    NoTls,
    config::{Config, Host, SslMode},
};

/// Where PostgreSQL is, and whom to sign in as: `postgres://user:password@host:port/database`. Never printed, for the
/// password's sake.
#[derive(Clone)]
pub struct DatabaseUrl {
    url: String,
    addresses: String,
    role: Option<String>,
}

/// Why a URL cannot be used. The URL itself is left out: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
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
    #[error("asks for TLS, which Comanda does not use towards PostgreSQL: leave out sslmode=require")]
    Tls,
}

impl DatabaseUrl {
    /// For whoever connects.
    pub fn expose(&self) -> &str {
        &self.url
    }

    /// The hosts and ports, separated by commas, without the user and the password.
    pub fn addresses(&self) -> &str {
        &self.addresses
    }

    /// The role to sign in as. `None`: whatever the operating system calls the account that runs this.
    pub fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// Opens a connection and closes it. The error has the cause, which Diesel's errors leave out.
    pub async fn probe(&self, wait: Duration) -> Result<(), Unavailable> {
        let connect = tokio_postgres::connect(&self.url, NoTls);
        tokio::time::timeout(wait, connect).await.map_err(Unavailable::new)?.map(drop).map_err(Unavailable::new)
    }
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    /// Refuses whatever could never connect.
    fn from_str(url: &str) -> Result<Self, InvalidDatabaseUrl> {
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(InvalidDatabaseUrl::Scheme);
        }
        let config: Config = url.parse().map_err(|_| InvalidDatabaseUrl::Malformed)?;
        let hosts = config.get_hosts().len().max(config.get_hostaddrs().len());
        if hosts == 0 || config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(name) if name.is_empty())) {
            return Err(InvalidDatabaseUrl::NoHost);
        }
        if config.get_ports().len() > 1 && config.get_ports().len() != hosts {
            return Err(InvalidDatabaseUrl::Ports);
        }
        if config.get_ssl_mode() == SslMode::Require {
            return Err(InvalidDatabaseUrl::Tls);
        }
        Ok(Self { url: url.to_owned(), addresses: addresses(&config), role: config.get_user().map(str::to_owned) })
    }
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
        use InvalidDatabaseUrl::{Malformed, NoHost, Ports, Scheme, Tls};
        for (url, expected) in [
            ("", Scheme),
            ("mysql://localhost/comanda", Scheme),
            ("host=localhost dbname=comanda", Scheme),
            ("postgres://localhost:port/comanda", Malformed),
            ("postgres://localhost/comanda?colour=red", Malformed),
            ("postgres:///comanda", NoHost),
            ("postgres://a:1,b:2,c:3/comanda?port=7", Ports),
            ("postgres://localhost/comanda?sslmode=require", Tls),
        ] {
            assert_eq!(url.parse::<DatabaseUrl>().unwrap_err(), expected, "{url}");
        }
    }

    #[test]
    fn the_addresses_are_known_and_the_password_is_not_printed() {
        for (url, addresses) in [
            ("postgres://ana:hunter2@localhost/comanda", "localhost:5432"),
            ("postgresql://ana:hunter2@a:1,b:2/comanda?target_session_attrs=read-write", "a:1, b:2"),
            ("postgres://ana:hunter2@%2Fvar%2Frun/comanda", "/var/run:5432"),
            ("postgres:///comanda?host=/tmp/sockets&user=ana&password=hunter2", "/tmp/sockets:5432"),
        ] {
            let url: DatabaseUrl = url.parse().unwrap();
            assert_eq!(url.addresses(), addresses);
            assert!(!format!("{url:?}").contains("hunter2"));
        }
    }
}
