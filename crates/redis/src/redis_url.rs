use std::{
    fmt,
    net::IpAddr,
    path::Path,
    str::FromStr,
    sync::{Arc, PoisonError, RwLock},
};

use comanda_tls::{Authorities, InvalidAuthorities, SettingFile};
use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo, RedisError, TlsCertificates,
};
use thiserror::Error;

/// Where Redis is: `redis://:password@host:port/number`, or `rediss://…` over TLS. Never printed, for the password's
/// sake.
#[derive(Clone)]
pub struct RedisUrl {
    info: ConnectionInfo,
    /// `None`: the URL stays as it is.
    file: Option<Arc<SettingFile<Credentials>>>,
}

/// Whom to sign in as.
#[derive(Clone, PartialEq)]
struct Credentials {
    user: Option<String>,
    password: Option<String>,
}

impl Credentials {
    fn of(info: &ConnectionInfo) -> Self {
        let settings = info.redis_settings();
        Self { user: settings.username().map(str::to_owned), password: settings.password().map(str::to_owned) }
    }
}

/// What opens connections, and signs in with what the URL says at that moment.
#[derive(Clone)]
pub(crate) struct Opener {
    client: Arc<RwLock<Client>>,
    url: RedisUrl,
}

impl Opener {
    /// The number of the database.
    pub(crate) fn number(&self) -> i64 {
        self.url.info.redis_settings().db()
    }

    /// What opens the next connection.
    pub(crate) fn client(&self) -> Result<Client, RedisError> {
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(credentials) = self.url.credentials() else { return Ok(client) };
        let info = client.get_connection_info().clone();
        let before = info.redis_settings();
        let mut settings = RedisConnectionInfo::default().set_db(before.db()).set_protocol(before.protocol());
        if let Some(user) = credentials.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = credentials.password {
            settings = settings.set_password(password);
        }
        // With what was read for TLS.
        Client::open(info.set_redis_settings(settings))
    }

    pub(crate) fn look_again(&self) {
        self.url.look_again();
    }

    /// New connections trust from now on these authorities.
    pub(crate) fn trust(&self, authorities: Option<&Authorities>) -> Result<(), InvalidRedisUrl> {
        let client = self.url.connector(authorities)?;
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = client;
        Ok(())
    }
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

    /// The URL, which a file holds: when the user or the password in it is replaced, new connections sign in with the
    /// new one.
    #[must_use]
    pub fn kept_in(mut self, setting: &'static str, file: &Path) -> Self {
        self.file = Some(Arc::new(SettingFile::new(setting, file, Credentials::of(&self.info))));
        self
    }

    /// Looks at the file that holds the URL, if one does, and logs what is new or wrong. Each new connection does so by
    /// itself.
    pub fn look_again(&self) {
        drop(self.credentials());
    }

    fn credentials(&self) -> Option<Credentials> {
        let file = self.file.as_ref()?;
        Some(file.now(|text| {
            let other = text.parse::<Self>().map_err(|error| error.to_string())?;
            let same_place = self.address() == other.address() && self.is_encrypted() == other.is_encrypted();
            let (settings, others) = (self.info.redis_settings(), other.info.redis_settings());
            if !same_place || settings.db() != others.db() || settings.protocol() != others.protocol() {
                return Err("differs in more than the user and the password, which takes a restart".to_owned());
            }
            Ok(Credentials::of(&other.info))
        }))
    }

    /// Refuses whatever [`crate::RedisConnections::new`] would.
    pub fn check(&self, authorities: Option<&Authorities>) -> Result<(), InvalidRedisUrl> {
        self.opener(authorities).map(drop)
    }

    /// What opens connections. The certificate of a server that is reached over TLS must come from one of the
    /// `authorities`; without any given, from one that this system trusts.
    pub(crate) fn opener(&self, authorities: Option<&Authorities>) -> Result<Opener, InvalidRedisUrl> {
        Ok(Opener { client: Arc::new(RwLock::new(self.connector(authorities)?)), url: self.clone() })
    }

    fn connector(&self, authorities: Option<&Authorities>) -> Result<Client, InvalidRedisUrl> {
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
            _ => Ok(Self { info, file: None }),
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
    fn a_url_in_a_file_may_change_in_its_user_and_its_password_alone() {
        let path = std::env::temp_dir().join(format!("comanda-redis-url-{}", std::process::id()));
        let first = "redis://localhost/2";
        let url = first.parse::<RedisUrl>().unwrap().kept_in("REDIS_URL_FILE", &path);
        let opener = url.opener(None).unwrap();
        let now = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let client = opener.client().unwrap();
            let settings = client.get_connection_info().redis_settings();
            assert_eq!(settings.db(), 2);
            (settings.username().map(str::to_owned), settings.password().map(str::to_owned))
        };
        assert_eq!(now(first), (None, None));
        let with_both = (Some("ana".to_owned()), Some("hunter2".to_owned()));
        assert_eq!(now("redis://ana:hunter2@localhost/2"), with_both);
        for other in ["redis://:x@localhost/3", "redis://:x@cache.example/2", "rediss://:x@localhost/2", "x", ""] {
            assert_eq!(now(other), with_both, "{other}");
        }
        assert_eq!(now(first), (None, None));
        std::fs::remove_file(&path).unwrap();
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
