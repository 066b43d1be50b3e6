use std::{fmt, str::FromStr};

use redis::{ConnectionInfo, IntoConnectionInfo};
use thiserror::Error;

/// Where Redis is: `redis://:password@host:port/number`. Never printed, for the password's sake.
#[derive(Clone)]
pub struct RedisUrl {
    url: String,
    address: String,
}

/// The URL does not name a Redis server. The URL itself is left out: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("is not a redis:// URL: {0}")]
pub struct InvalidRedisUrl(pub(crate) String);

impl RedisUrl {
    /// For whoever connects.
    pub fn expose(&self) -> &str {
        &self.url
    }

    /// The host and the port, without the password.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl FromStr for RedisUrl {
    type Err = InvalidRedisUrl;

    /// Refuses whatever could never connect.
    fn from_str(url: &str) -> Result<Self, InvalidRedisUrl> {
        let info: ConnectionInfo = url.into_connection_info().map_err(|error| {
            let detail = error.detail().unwrap_or_default();
            InvalidRedisUrl(format!("{} {detail}", error.category()).trim_end().to_owned())
        })?;
        Ok(Self { url: url.to_owned(), address: info.addr().to_string() })
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({}, …)", self.address)
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
            // This build speaks no TLS to Redis.
            "rediss://localhost",
        ] {
            assert!(url.parse::<RedisUrl>().is_err(), "{url}");
        }
    }

    #[test]
    fn the_address_is_known_and_the_password_is_not_printed() {
        let url: RedisUrl = "redis://:hunter2@localhost:6380/2".parse().unwrap();
        assert_eq!(url.address(), "localhost:6380");
        assert!(!format!("{url:?}").contains("hunter2"));
    }
}
