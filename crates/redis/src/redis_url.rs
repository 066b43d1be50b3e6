use std::{fmt, net::IpAddr, str::FromStr};

use comanda_tls::{Authorities, InvalidAuthorities};
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisError, TlsCertificates};
use thiserror::Error;

/// Where Redis is: `redis://:password@host:port/number`, or `rediss://…` over TLS. Never printed, for the password's
/// sake.
#[derive(Clone)]
pub struct RedisUrl {
    info: ConnectionInfo,
}

/// The URL does not name a Redis server. The URL itself is left out: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidRedisUrl {
    #[error("is not a redis:// or rediss:// URL: {0}")]
    Malformed(String),
    #[error("#insecure would encrypt for whoever answers: name the server's authority instead")]
    Insecure,
    #[error("the server's certificate cannot be verified: {0}")]
    Authorities(#[from] InvalidAuthorities),
}

impl From<RedisError> for InvalidRedisUrl {
    fn from(error: RedisError) -> Self {
        let detail = error.detail().unwrap_or_default();
        Self::Malformed(format!("{} {detail}", error.category()).trim_end().to_owned())
    }
}

impl RedisUrl {
    /// The host and the port, without the password.
    pub fn address(&self) -> String {
        self.info.addr().to_string()
    }

    /// Whether connections are encrypted.
    pub fn is_encrypted(&self) -> bool {
        matches!(self.info.addr(), ConnectionAddr::TcpTls { .. })
    }

    /// Whether the password and data cross a network in plain text: without TLS, and neither to this machine nor to a
    /// Unix socket.
    pub fn may_be_overheard(&self) -> bool {
        match self.info.addr() {
            ConnectionAddr::Tcp(host, _) => {
                host != "localhost" && !host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
            }
            _ => false,
        }
    }

    /// Refuses whatever [`crate::RedisConnections::new`] would.
    pub fn check(&self, authorities: Option<&Authorities>) -> Result<(), InvalidRedisUrl> {
        self.client(authorities).map(drop)
    }

    /// What opens connections. The certificate of a server that is reached over TLS must come from one of the
    /// `authorities`; without any given, from one that this system trusts.
    pub(crate) fn client(&self, authorities: Option<&Authorities>) -> Result<Client, InvalidRedisUrl> {
        if !self.is_encrypted() {
            return Ok(Client::open(self.info.clone())?);
        }
        // For the Redis client, which asks for whatever is installed. It may be already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Read once. The Redis client itself would read the system's for every connection.
        let root_cert = match authorities {
            Some(authorities) => authorities.pem(),
            None => Authorities::of_system()?.pem(),
        };
        let certificates = TlsCertificates { client_tls: None, root_cert: Some(root_cert) };
        Ok(Client::build_with_tls(self.info.clone(), certificates)?)
    }
}

impl FromStr for RedisUrl {
    type Err = InvalidRedisUrl;

    /// Refuses whatever could never connect.
    fn from_str(url: &str) -> Result<Self, InvalidRedisUrl> {
        let info = url.into_connection_info()?;
        match info.addr() {
            ConnectionAddr::TcpTls { insecure: true, .. } => Err(InvalidRedisUrl::Insecure),
            _ => Ok(Self { info }),
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({}, …)", self.info.addr())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_could_never_connect_is_refused() {
        for url in [
            "",
            "localhost:6379",
            "http://localhost",
            "redis://",
            "redis://localhost/zero",
            "redis://localhost:port",
            "rediss://",
            "rediss://localhost/#insecure",
            "rediss://localhost/#anything",
        ] {
            assert!(url.parse::<RedisUrl>().is_err(), "{url}");
        }
    }

    #[test]
    fn the_address_is_known_and_the_password_is_not_printed() {
        for scheme in ["redis", "rediss"] {
            let url: RedisUrl = format!("{scheme}://:hunter2@localhost:6380/2").parse().unwrap();
            assert_eq!(url.address(), "localhost:6380");
            assert!(!format!("{url:?}").contains("hunter2"));
        }
    }

    #[test]
    fn plain_text_to_another_machine_can_be_overheard() {
        for (url, expected) in [
            ("redis://cache.example/0", true),
            ("redis://10.0.0.7:6379", true),
            ("rediss://cache.example/0", false),
            ("redis://localhost/0", false),
            ("redis://127.0.0.2/0", false),
            ("redis://[::1]/0", false),
            ("unix:///run/redis.sock", false),
        ] {
            assert_eq!(url.parse::<RedisUrl>().unwrap().may_be_overheard(), expected, "{url}");
        }
    }
}
