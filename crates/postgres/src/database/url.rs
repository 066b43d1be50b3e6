mod credentials;
mod parameters;

use std::{
    fmt,
    str::FromStr,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use comanda_domain::ports::Unavailable;
use comanda_tls::{InvalidAuthorities, Reachability, SettingFile, reason, refusal};
use rand::seq::SliceRandom;
use thiserror::Error;
use tokio_postgres::{
    Client, Connection, Error, Socket,
    config::{ChannelBinding, Config, Host, LoadBalanceHosts, SslMode, SslNegotiation},
    error::SqlState,
    tls::MakeTlsConnect,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use self::{
    credentials::{Credentials, Elsewise},
    parameters::{OwnLimits, Parts},
};
use super::{connection_failed::ConnectionFailed, fitness::Fitness};

/// Where PostgreSQL is, whom to sign in as, and how connections are protected:
/// `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=/etc/comanda/ca.pem`. Never printed,
/// for the password's sake.
#[derive(Clone)]
pub struct DatabaseUrl {
    /// One host each, at least one, each with the mode of its protection.
    servers: Vec<Config>,
    connector: Arc<RwLock<MakeRustlsConnect>>,
    addresses: String,
    limits: OwnLimits,
    elsewise: Arc<Elsewise>,
    /// `None`: the URL stays as it is.
    file: Option<Arc<SettingFile<Credentials>>>,
    /// Whether it was logged that a connection is not encrypted although TLS is offered.
    told: Arc<AtomicBool>,
    reachability: Arc<Reachability>,
    fitness: Arc<Fitness>,
}

/// Nothing has failed yet, but it takes too long.
#[derive(Debug, Error)]
#[error("no connection to PostgreSQL at {0} in time")]
struct NoConnection(String);

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
    #[error("must name as many addresses (hostaddr) as hosts, or none")]
    HostAddresses,
    #[error("channel_binding=require needs TLS: it cannot be met with sslmode=disable or over a Unix socket")]
    ChannelBinding,
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
        self.servers.first().and_then(Config::get_user)
    }

    /// Whether passwords and data may cross a network in plain text: TLS is optional or off, and a host is neither this
    /// machine nor a Unix socket.
    pub fn may_be_overheard(&self) -> bool {
        let is_local = |server: &Config| match (server.get_hostaddrs(), server.get_hosts()) {
            ([address], _) => address.is_loopback(),
            (_, [Host::Tcp(name)]) => {
                name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
            }
            (_, hosts) => hosts.iter().all(is_socket),
        };
        self.servers.iter().any(|server| server.get_ssl_mode() != SslMode::Require && !is_local(server))
    }

    /// Opens a connection and closes it. The error has the cause, which Diesel's errors leave out.
    pub async fn probe(&self, wait: Duration) -> Result<(), Unavailable> {
        tokio::time::timeout(wait, self.connect()).await.map_err(Unavailable::new)?.map(drop).map_err(Unavailable::new)
    }

    /// Adds timeouts that the URL does not set itself. When the database's machine disappears without closing its
    /// connections, nobody waits for it much longer than it takes to find its successor.
    pub(super) fn with_time_limits(mut self) -> Self {
        for server in &mut self.servers {
            if !self.limits.connect_timeout {
                server.connect_timeout(Duration::from_secs(1));
            }
            if !self.limits.tcp_user_timeout {
                server.tcp_user_timeout(Duration::from_secs(5));
            }
        }
        self
    }

    /// Adds keepalives that the URL does not set itself, so that a session whose database has gone is noticed within
    /// half a minute.
    fn with_keepalives(&self, mut server: Config) -> Config {
        if !self.limits.keepalives_idle {
            server.keepalives_idle(Duration::from_secs(10));
        }
        if server.get_keepalives_interval().is_none() {
            server.keepalives_interval(Duration::from_secs(5));
        }
        if server.get_keepalives_retries().is_none() {
            server.keepalives_retries(3);
        }
        server
    }

    /// Opens a connection to the first host that accepts one. The one place that does, and that logs why none does.
    pub(super) async fn connect(&self) -> Result<(Client, Wire), ConnectionFailed> {
        let connected = self.connect_to_any().await;
        match &connected {
            Ok(_) => self.reachability.succeeded(),
            Err(failure) => self.reachability.failed(&failure.to_string()),
        }
        connected
    }

    async fn connect_to_any(&self) -> Result<(Client, Wire), ConnectionFailed> {
        let mut servers = self.servers();
        if servers.iter().any(|server| server.get_load_balance_hosts() == LoadBalanceHosts::Random) {
            servers.shuffle(&mut rand::rng());
        }
        // There is one: a URL without a host is refused.
        let last = servers.pop().unwrap_or_default();
        let mut reasons = Vec::new();
        for server in servers {
            let address = address(&server);
            match self.connect_to(server).await {
                Ok(connected) => return Ok(connected),
                Err(error) => reasons.push(format!("{address}: {}", reason(&error))),
            }
        }
        let address = address(&last);
        self.connect_to(last).await.map_err(|last| {
            reasons.push(format!("{address}: {}", reason(&last)));
            ConnectionFailed { reasons: reasons.join("; "), last }
        })
    }

    /// Why somebody got no connection in time.
    pub(super) fn no_connection(&self) -> Unavailable {
        match self.reachability.failure() {
            Some(cause) => Unavailable::new(cause),
            None => Unavailable::new(NoConnection(self.addresses.clone())),
        }
    }

    /// Which sessions are fit to be used.
    pub(super) fn fitness(&self) -> &Fitness {
        &self.fitness
    }

    /// Without TLS where TLS is only preferred and this host will not have it, whatever the other hosts do.
    async fn connect_to(&self, server: Config) -> Result<(Client, Wire), Error> {
        let mut server = self.with_keepalives(server);
        let connector = self.connector.read().unwrap_or_else(PoisonError::into_inner).clone();
        match server.connect(connector.clone()).await {
            Err(error) if server.get_ssl_mode() == SslMode::Prefer && is_for_lack_of_tls(&error) => {
                if !self.told.swap(true, Ordering::Relaxed) {
                    let reason = refusal(&error).unwrap_or_else(|| error.to_string());
                    tracing::warn!(addresses = self.addresses, reason, "connecting to PostgreSQL without TLS");
                }
                server.ssl_mode(SslMode::Disable).connect(connector).await
            }
            connected => connected,
        }
    }
}

/// Whether a connection that need not be encrypted could succeed without TLS, as libpq has it: the handshake failed,
/// however it did, or `pg_hba.conf` has no line for an encrypted connection.
fn is_for_lack_of_tls(error: &Error) -> bool {
    // Of the kinds of an error, `tokio_postgres` shows only the words.
    error.to_string().starts_with("error performing TLS handshake")
        || error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
}

fn is_socket(host: &Host) -> bool {
    matches!(host, Host::Unix(_))
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    /// Reads the file of authorities, too, and refuses whatever could never connect.
    fn from_str(url: &str) -> Result<Self, InvalidDatabaseUrl> {
        let Parts { config, tls, limits } = Parts::of(url)?;
        let elsewise = Arc::new(Elsewise::of(&config, &tls));
        let (hosts, addresses) = (config.get_hosts(), config.get_hostaddrs());
        let count = hosts.len().max(addresses.len());
        if count == 0 || hosts.iter().any(|host| matches!(host, Host::Tcp(name) if name.is_empty())) {
            return Err(InvalidDatabaseUrl::NoHost);
        }
        if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
            return Err(InvalidDatabaseUrl::HostAddresses);
        }
        if config.get_ports().len() > 1 && config.get_ports().len() != count {
            return Err(InvalidDatabaseUrl::Ports);
        }
        let protection = tls.protection()?;
        let servers: Vec<_> = (0..count).map(|position| server(&config, position, protection.mode())).collect();
        let is_plain = |server: &Config| server.get_ssl_mode() == SslMode::Disable;
        if config.get_ssl_negotiation() == SslNegotiation::Direct
            && servers.iter().any(|server| server.get_ssl_mode() != SslMode::Require)
        {
            return Err(InvalidDatabaseUrl::Negotiation);
        }
        if config.get_channel_binding() == ChannelBinding::Require && servers.iter().all(is_plain) {
            return Err(InvalidDatabaseUrl::ChannelBinding);
        }
        Ok(Self {
            connector: Arc::new(RwLock::new(protection.connector()?)),
            addresses: servers.iter().map(address).collect::<Vec<_>>().join(", "),
            limits,
            elsewise,
            file: None,
            told: Arc::default(),
            reachability: Arc::new(Reachability::of("PostgreSQL")),
            fitness: Arc::default(),
            servers,
        })
    }
}

/// The host at a position of a configuration, and the configuration's other parameters.
fn server(all: &Config, position: usize, mode: SslMode) -> Config {
    const PORT: u16 = 5432;
    let mut server = Config::new();
    // Certificates are verified, and TLS is negotiated, for a host: the address itself if it has no other name.
    match (all.get_hosts().get(position), all.get_hostaddrs().get(position)) {
        (Some(Host::Tcp(name)), address) => {
            server.host(name).ssl_mode(mode);
            address.map(|address| server.hostaddr(*address));
        }
        // Whoever names an address does not use the socket. Nor does libpq.
        (_, Some(address)) => {
            server.host(address.to_string()).hostaddr(*address).ssl_mode(mode);
        }
        // As libpq has it, a Unix socket is never encrypted.
        (Some(Host::Unix(folder)), None) => {
            server.host_path(folder).ssl_mode(SslMode::Disable);
        }
        (None, None) => {}
    }
    let ports = all.get_ports();
    server.port(ports.get(position).or(ports.first()).copied().unwrap_or(PORT));
    server
        .ssl_negotiation(all.get_ssl_negotiation())
        .keepalives(all.get_keepalives())
        .keepalives_idle(all.get_keepalives_idle())
        .target_session_attrs(all.get_target_session_attrs())
        .channel_binding(all.get_channel_binding())
        .load_balance_hosts(all.get_load_balance_hosts());
    all.get_user().map(|user| server.user(user));
    all.get_password().map(|password| server.password(password));
    all.get_dbname().map(|name| server.dbname(name));
    all.get_options().map(|options| server.options(options));
    all.get_application_name().map(|name| server.application_name(name));
    all.get_connect_timeout().map(|limit| server.connect_timeout(*limit));
    all.get_tcp_user_timeout().map(|limit| server.tcp_user_timeout(*limit));
    all.get_keepalives_interval().map(|interval| server.keepalives_interval(interval));
    all.get_keepalives_retries().map(|retries| server.keepalives_retries(retries));
    server
}

fn address(server: &Config) -> String {
    let hosts = server.get_hosts().iter().zip(server.get_ports()).map(|(host, port)| match host {
        Host::Tcp(name) => format!("{name}:{port}"),
        Host::Unix(folder) => format!("{}:{port}", folder.display()),
    });
    hosts.collect()
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
            ChannelBinding, HostAddresses, Malformed, Negotiation, NoHost, Ports, PublicAuthorities, Scheme, SslMode,
            UselessAuthorities,
        };
        for (url, expected) in [
            ("", Scheme),
            ("mysql://localhost/comanda", Scheme),
            ("host=localhost dbname=comanda", Scheme),
            ("postgres://localhost:port/comanda", Malformed),
            ("postgres://localhost/comanda?colour=red", Malformed),
            ("postgres:///comanda", NoHost),
            ("postgres://a:1,b:2,c:3/comanda?port=7", Ports),
            ("postgres://a,b/comanda?hostaddr=127.0.0.1", HostAddresses),
            ("postgres://a/comanda?hostaddr=127.0.0.1,127.0.0.2", HostAddresses),
            ("postgres://localhost/comanda?sslmode=disable&channel_binding=require", ChannelBinding),
            ("postgres:///comanda?host=/run/postgresql&sslmode=require&channel_binding=require", ChannelBinding),
            ("postgres://localhost/comanda?sslmode=allow", SslMode),
            ("postgres://localhost/comanda?%73slmode=allow", SslMode),
            ("postgres://localhost/comanda?%ff=allow", Malformed),
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

    fn modes(url: &str) -> Vec<SslMode> {
        let url: DatabaseUrl = url.parse().unwrap_or_else(|error| panic!("{url}: {error}"));
        url.servers.iter().map(Config::get_ssl_mode).collect()
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
            ("postgres://localhost/comanda?%73slmode=require", SslMode::Require),
            ("postgres://localhost/comanda?%73%73%6c%6d%6f%64%65=require&application_name=a", SslMode::Require),
            // Unix sockets are never encrypted, but an address is no socket.
            ("postgres:///comanda?host=/run/postgresql&sslmode=require", SslMode::Disable),
            ("postgres:///comanda?host=/run/postgresql&hostaddr=10.0.0.7&sslmode=require", SslMode::Require),
            ("postgres:///comanda?hostaddr=10.0.0.7&sslmode=require", SslMode::Require),
        ] {
            assert_eq!(modes(url), [mode], "{url}");
        }
        let each = modes("postgres://a,%2Frun%2Fpostgresql,b/comanda?sslmode=require");
        assert_eq!(each, [SslMode::Require, SslMode::Disable, SslMode::Require]);
        let url: DatabaseUrl = "postgres://ana:a?b@localhost/comanda?sslmode=require&options=c".parse().unwrap();
        let server = &url.servers[0];
        assert_eq!((server.get_password(), server.get_options()), (Some(&b"a?b"[..]), Some("c")));
    }

    #[test]
    fn each_host_has_every_other_parameter() {
        let parameters = "user=ana&password=hunter2&options=-c&application_name=a&connect_timeout=2&tcp_user_timeout=3\
                          &keepalives=0&keepalives_idle=4&keepalives_interval=5&keepalives_retries=6\
                          &target_session_attrs=read-write&channel_binding=disable&load_balance_hosts=random";
        let url = format!("postgres://a:1,b:2/comanda?hostaddr=127.0.0.1,127.0.0.2&{parameters}");
        let servers = url.parse::<DatabaseUrl>().unwrap().servers;
        for (server, host) in servers.iter().zip(["a:1/comanda?hostaddr=127.0.0.1", "b:2/comanda?hostaddr=127.0.0.2"]) {
            assert_eq!(*server, format!("postgres://{host}&{parameters}").parse::<Config>().unwrap());
        }
        assert_eq!(servers.len(), 2);
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
            ("postgres:///comanda?host=/run/postgresql&hostaddr=10.0.0.7", true),
            ("postgres://%2Frun%2Fpostgresql,db.example/comanda", true),
            ("postgres://%2Frun%2Fpostgresql,db.example/comanda?sslmode=require", false),
        ] {
            assert_eq!(url.parse::<DatabaseUrl>().unwrap().may_be_overheard(), expected, "{url}");
        }
    }

    #[test]
    fn time_limits_are_added_where_the_url_sets_none() {
        let limits = |url: &str| {
            let mut url = url.parse::<DatabaseUrl>().unwrap().with_time_limits();
            let server = url.servers.remove(0);
            let config = url.with_keepalives(server);
            let connect = config.get_connect_timeout().copied();
            (connect, config.get_tcp_user_timeout().copied(), config.get_keepalives_idle())
        };
        let seconds = Duration::from_secs;
        assert_eq!(limits("postgres://localhost/comanda"), (Some(seconds(1)), Some(seconds(5)), seconds(10)));
        let own = "postgres://localhost/comanda?connect_timeout=2&tcp_user_timeout=3&keepalives_idle=7200";
        assert_eq!(limits(own), (Some(seconds(2)), Some(seconds(3)), seconds(7200)));
        // Zero is no limit.
        let none = "postgres://localhost/comanda?connect_timeout=0&tcp%5Fuser_timeout=0";
        assert_eq!(limits(none), (None, None, seconds(10)));

        let probes = |url: &str| {
            let mut url = url.parse::<DatabaseUrl>().unwrap();
            let server = url.servers.remove(0);
            let config = url.with_keepalives(server);
            (config.get_keepalives_interval(), config.get_keepalives_retries())
        };
        assert_eq!(probes("postgres://localhost/comanda"), (Some(seconds(5)), Some(3)));
        let own = "postgres://localhost/comanda?keepalives_interval=7&keepalives_retries=9";
        assert_eq!(probes(own), (Some(seconds(7)), Some(9)));
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
