//! The HTTP server.

use std::{
    net::{IpAddr, SocketAddr, TcpListener},
    num::NonZeroUsize,
    ops::Deref,
    str::FromStr,
    time::Duration,
};

use comanda_identity::SecretKeys;
use ipnet::{IpNet, Ipv4Net};
use url::Url;

use super::{
    Setting,
    reader::{ConfigError, Mistake, Reader},
    secret::{Secret, SecretLines},
    setting::settings,
    value::{Value, is_varied},
};

settings! {
    /// How HTTP is served.
    pub struct HttpConfig checked by check {
        BIND_ADDR => bind_addr: SocketAddr = "127.0.0.1:8080",
            "Where the server listens.";
        METRICS_ADDR => metrics_addr: Option<SocketAddr> = "",
            "Where Prometheus can read `/metrics`, such as `127.0.0.1:9090`; by default nowhere.";
        WORKERS => workers: NonZeroUsize in 1..=1_024 = 2,
            "How many threads serve HTTP.";
        CONCURRENT_REQUESTS => concurrent_requests: usize in 1..=1_000_000 = 1_024,
            "How many requests a server works on at the same time. One more is refused with 503 at once, so that \
             not all of them are late. Health checks are never refused.";
        CONCURRENT_CONNECTIONS => concurrent_connections: Option<usize> in 1..=1_000_000 = "",
            "How many connections of clients a server has open at the same time. One more gets a 503 and ends. By \
             default 16384, or as many as the limit of file descriptors leaves room for.";
        REQUEST_TIMEOUT_MS => request_timeout: Duration in 100..=600_000 ms = 5_000,
            "A write that takes longer gets a 503; reads have limits of their own.";
        PASSWORD_TIMEOUT_MS => password_timeout: Duration in 100..=600_000 ms = 10_000,
            "The same for requests that check or hash a password, which may have to queue.";
        SHUTDOWN_TIMEOUT_MS => shutdown_timeout: Duration in 0..=600_000 ms = 15_000,
            "How long requests in flight may take to finish when the server is told to stop.";
        DRAIN_SECONDS => drain: Option<Duration> in 0..=600 s = "",
            "How long a server that is told to stop goes on accepting connections while `/health/ready` says 503 and \
             every response ends its connection, so that proxies have turned to other servers before this one is \
             gone; by default 5, in development 0.";
        SECRET_KEY => secret_key: Secret,
            "At least 32 random characters, the same on every server. Keys for cursors, CSRF tokens and refresh \
             tokens are derived from it: `comanda keys secret` makes one.";
        VERIFICATION_SECRET_KEYS => verification_secret_keys: SecretLines = "",
            "Earlier values of `SECRET_KEY`, and the next one, each on a line of its own: what was made with them is \
             accepted as well. See docs/security.md for replacing a key.";
        CORS_ORIGINS => cors_origins: Origins = "",
            "Origins whose pages may call the API, separated by commas, such as `https://shop.example`.";
        INSECURE_COOKIES => insecure_cookies: bool = false,
            "Session cookies without `Secure` and the `__Host-` prefix: only in development, for plain http on \
             localhost.";
        SERVE_DOCS => serve_docs: bool = true,
            "Whether `/openapi.json` and the page `/docs` are served.";
        TRUSTED_PROXIES => trusted_proxies: Vec<IpNet> = "",
            "Networks of proxies whose `X-Forwarded-For` is believed, separated by commas, such as `10.0.0.0/8`. Behind \
             a proxy that is not named here, all clients share one allowance; the log says so.";
    }
}

fn check(draft: &Draft, reader: &mut Reader) {
    if let Some(mistake) = draft.secret_key.as_ref().and_then(weakness) {
        reader.mistake(&SECRET_KEY, mistake);
    }
    let accepted = draft.verification_secret_keys.iter().flat_map(|keys| keys.iter());
    for (line, mistake) in (1..).zip(accepted).filter_map(|(line, key)| Some((line, weakness(key)?))) {
        reader.mistake(&VERIFICATION_SECRET_KEYS, format!("key {line} {mistake}"));
    }
    if let (Some(bind), Some(Some(metrics))) = (draft.bind_addr, draft.metrics_addr)
        && bind.port() == metrics.port()
        && bind.port() != 0
        && (bind.ip() == metrics.ip() || bind.ip().is_unspecified() || metrics.ip().is_unspecified())
    {
        reader.mistake(&METRICS_ADDR, format!("{metrics} collides with BIND_ADDR={bind}"));
    }
    if reader.is_production() {
        if draft.insecure_cookies == Some(true) {
            let what = "anybody on the way could read session cookies: set MODE=development if that is meant";
            reader.mistake(&INSECURE_COOKIES, what);
        }
        if draft.trusted_proxies.as_ref().is_some_and(|networks| covers_everybody(networks)) {
            let what = "everybody would be believed to be a proxy, and could claim any address: name your own proxies' \
                        networks, or set MODE=development if that is meant";
            reader.mistake(&TRUSTED_PROXIES, what);
        }
    }
}

/// Why somebody could guess the key.
fn weakness(key: &Secret) -> Option<String> {
    const CHARACTERS: usize = 32;
    const DIFFERENT: usize = 8;
    if key.expose().trim().contains(['\n', '\r']) {
        // Each line of VERIFICATION_SECRET_KEYS is another key.
        return Some("must be one line".to_owned());
    }
    if key.expose().trim().chars().count() < CHARACTERS {
        return Some(format!("must have at least {CHARACTERS} characters"));
    }
    (!is_varied(key.expose(), DIFFERENT)).then(|| format!("must have at least {DIFFERENT} different characters"))
}

impl HttpConfig {
    /// Whether a server could listen where it is told to: nobody else does, and it is an address of this machine.
    pub fn ensure_free(&self) -> Result<(), ConfigError> {
        let (mut held, mut mistakes) = (Vec::new(), Vec::new());
        for (setting, address) in [(&BIND_ADDR, Some(self.bind_addr)), (&METRICS_ADDR, self.metrics_addr)] {
            let Some(address) = address else { continue };
            match TcpListener::bind(address) {
                // Until the other one is there, too: they may be in each other's way.
                Ok(listener) => held.push(listener),
                Err(error) => mistakes.push(Mistake::of(setting, format!("cannot listen on {address}: {error}"))),
            }
        }
        if mistakes.is_empty() { Ok(()) } else { Err(ConfigError(mistakes)) }
    }

    /// The secret that tokens are made with, and those that are accepted beside it.
    pub fn secret_keys(&self) -> SecretKeys {
        // A file's last line break is not part of the key; from elsewhere it was, once, and what was made then counts.
        let (whole, key) = (self.secret_key.expose(), self.secret_key.expose().trim_end());
        let as_before = (whole != key).then(|| whole.to_owned().into());
        let accepted = self.verification_secret_keys.iter().map(|key| key.as_ref().clone()).chain(as_before);
        SecretKeys::new(key.to_owned().into(), accepted.collect())
    }
}

/// The network as its addresses are compared: one of mapped IPv4 addresses (`::ffff:192.0.2.0/120`) is one of IPv4
/// addresses.
pub fn canonical_network(network: IpNet) -> IpNet {
    const MAPPED: u8 = 96;
    let v4 = match network {
        IpNet::V6(v6) if v6.prefix_len() >= MAPPED => match network.network().to_canonical() {
            IpAddr::V4(address) => Ipv4Net::new(address, v6.prefix_len() - MAPPED).ok(),
            IpAddr::V6(_) => None,
        },
        _ => None,
    };
    v4.map_or(network, IpNet::V4)
}

/// Also where several networks add up.
fn covers_everybody(networks: &[IpNet]) -> bool {
    let networks: Vec<IpNet> = networks.iter().copied().map(canonical_network).collect();
    IpNet::aggregate(&networks).iter().any(|network| network.prefix_len() == 0)
}

/// Whose pages may call the API.
#[derive(Clone, Debug)]
pub struct Origins(Vec<String>);

impl Deref for Origins {
    type Target = Vec<String>;

    fn deref(&self) -> &Vec<String> {
        &self.0
    }
}

impl Value for Origins {
    const KIND: &'static str = "origins, separated by commas";

    fn parse(text: &str, setting: &Setting) -> Result<Self, Vec<String>> {
        let origins: Vec<Origin> = Value::parse(text, setting)?;
        Ok(Self(origins.into_iter().map(|origin| origin.0).collect()))
    }
}

/// As a browser writes it: `https://shop.example`.
pub struct Origin(String);

impl FromStr for Origin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        // No browser sends a wildcard.
        let url = url.filter(|_| !text.contains('*'));
        let origin = url.map(|url| url.origin().ascii_serialization()).filter(|origin| origin == text);
        origin.map(Self).ok_or("not an origin such as https://shop.example")
    }
}
