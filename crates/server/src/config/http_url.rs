use std::{fmt, str::FromStr};

use thiserror::Error;
use url::Url;

/// The base of URLs of a service. Never printed: a user and a password may be part of it.
#[derive(Clone)]
pub struct HttpUrl(Url);

/// Why a URL cannot be used. The URL itself is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidHttpUrl {
    #[error("is not a URL such as https://host:port")]
    Malformed,
    #[error("must begin with http:// or https://")]
    Scheme,
    #[error("must have neither a query nor a fragment: paths are appended to it")]
    Suffix,
}

impl HttpUrl {
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host and the port.
    pub fn address(&self) -> String {
        let port = self.0.port_or_known_default().unwrap_or_default();
        format!("{}:{port}", self.0.host_str().unwrap_or_default())
    }

    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl FromStr for HttpUrl {
    type Err = InvalidHttpUrl;

    fn from_str(text: &str) -> Result<Self, InvalidHttpUrl> {
        let url = Url::parse(text).map_err(|_| InvalidHttpUrl::Malformed)?;
        match url.scheme() {
            "http" | "https" if url.query().is_none() && url.fragment().is_none() => Ok(Self(url)),
            "http" | "https" => Err(InvalidHttpUrl::Suffix),
            _ => Err(InvalidHttpUrl::Scheme),
        }
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpUrl({}, …)", self.0.host_str().unwrap_or_default())
    }
}
