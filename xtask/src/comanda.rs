//! The `comanda` binary: building it, and running it with the settings of an instance.

use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use nix::sys::signal::Signal;

use crate::{
    build::{Build, Profile},
    process::{Process, ending_with_us, output_of, succeed},
    project::{self, State, random_secret},
    services::Services,
};

/// Builds the binary and returns its path.
pub fn build(profile: Profile, next: &'static str) -> anyhow::Result<PathBuf> {
    build_with(&[], profile, next)
}

/// The same with features that are not among the default ones.
pub fn build_with(features: &'static [&'static str], profile: Profile, next: &'static str) -> anyhow::Result<PathBuf> {
    Build { package: "comanda-server", binary: "comanda", profile, features, next }.run()
}

/// Who may do everything.
pub struct Admin {
    pub email: String,
    pub password: String,
}

impl Admin {
    /// From `ADMIN_EMAIL` and `ADMIN_PASSWORD`, or one with a password that is generated once and kept.
    pub fn from_environment(state: &State) -> anyhow::Result<Self> {
        let given = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Ok(Self {
            email: given("ADMIN_EMAIL").unwrap_or_else(|| "admin@comanda.example".to_owned()),
            password: match given("ADMIN_PASSWORD") {
                Some(password) => password,
                None => state.keep("admin-password", || Ok(random_secret()))?,
            },
        })
    }
}

/// The binary with the settings of one instance.
#[derive(Clone)]
pub struct Comanda {
    pub program: PathBuf,
    pub settings: HashMap<String, String>,
    /// Where servers log to, as JSON. `None`: to our own standard error. Such servers are measured, too.
    pub log_folder: Option<PathBuf>,
}

impl Comanda {
    /// Secrets that the environment does not give are made once and kept.
    pub fn new(program: PathBuf, state: &State, services: &Services) -> anyhow::Result<Self> {
        let secret = |name: &str, make: &dyn Fn() -> anyhow::Result<String>| match std::env::var(name) {
            Ok(given) if !given.is_empty() => Ok(given),
            _ => state.keep(&name.to_lowercase().replace('_', "-"), make),
        };
        let generate = || output_of(Command::new(&program).args(["keys", "generate"]));
        let limit =
            |name: &str, default: &str| (name.to_owned(), std::env::var(name).unwrap_or_else(|_| default.to_owned()));
        let settings = HashMap::from([
            ("MODE".to_owned(), "development".to_owned()),
            ("MAIL_FOLDER".to_owned(), state.private_folder("mail")?.display().to_string()),
            ("PAYMENT_GATEWAY".to_owned(), std::env::var("PAYMENT_GATEWAY").unwrap_or_else(|_| "offline".to_owned())),
            // All customers of a rush come from one address.
            limit("ADDRESS_LIMIT_BURST", "10000"),
            limit("ADDRESS_LIMIT_PER_MINUTE", "10000"),
            // They order more than any customer, and never pay. Not 0, which would leave out what the limits cost.
            limit("ORDER_LIMIT_OPEN", "1000000000"),
            limit("ORDER_LIMIT_PORTIONS", "1000000000"),
            limit("ORDER_LIMIT_PER_MINUTE", "1000000000"),
            ("DATABASE_URL".to_owned(), services.database_url.clone()),
            ("REDIS_URL".to_owned(), services.redis_url.clone()),
            ("SECRET_KEY".to_owned(), secret("SECRET_KEY", &|| Ok(random_secret()))?),
            ("JWT_SIGNING_KEY".to_owned(), secret("JWT_SIGNING_KEY", &generate)?),
        ]);
        Ok(Self { program, settings, log_folder: None })
    }

    /// With a setting, unless the environment says otherwise.
    pub fn with_default(mut self, name: &str, default: &str) -> Self {
        let value = std::env::var(name).unwrap_or_else(|_| default.to_owned());
        self.settings.insert(name.to_owned(), value);
        self
    }

    /// With the settings of an instance that is up already.
    #[cfg(feature = "load")]
    pub fn with_settings(program: PathBuf, settings: HashMap<String, String>) -> Self {
        Self { program, settings, log_folder: None }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).envs(&self.settings);
        command
    }

    /// An up-to-date database with an admin.
    pub fn prepare(&self, admin: &Admin) -> anyhow::Result<()> {
        succeed(self.command(&["migrate"]).env("LOG", "warn"))?;
        let mut create = self.command(&["admin", "create"]);
        // From the second run on, the account exists. Earlier versions take it without being told.
        if output_of(&mut self.command(&["admin", "create", "--help"]))?.contains("--existing") {
            create.arg("--existing");
        }
        succeed(create.env("ADMIN_EMAIL", &admin.email).env("ADMIN_PASSWORD", &admin.password))
    }

    /// Puts the sample menu into a database that has none. Earlier versions cannot read it.
    pub fn import_menu(&self) -> anyhow::Result<()> {
        let menu = project::root().join("samples/menu.csv");
        succeed(self.command(&["menu", "import", "--if-empty"]).arg(menu))
    }

    /// Starts a server and waits until it can take orders.
    pub fn serve(&self, address: &str) -> anyhow::Result<Server> {
        let mut command = ending_with_us("TERM");
        command.arg(&self.program).arg("serve").envs(&self.settings).env("BIND_ADDR", address);
        if let Some(folder) = &self.log_folder {
            command.env("LOG_FORMAT", "json").env("METRICS_ADDR", metrics_of(address));
            command.stderr(File::options().create(true).append(true).open(log_of(folder, address))?);
        }
        let mut process = Process::start("the server", command, Signal::SIGTERM)?;
        let deadline = Instant::now() + Duration::from_mins(1);
        while !is_ready(address) {
            process.ensure_alive()?;
            if Instant::now() > deadline {
                bail!("the server did not become ready within a minute");
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(Server { process, address: address.to_owned() })
    }
}

/// Where a server at an address is measured: on the same port of another loopback address.
pub fn metrics_of(address: &str) -> String {
    address.replace("127.0.0.1:", "127.0.0.2:")
}

/// Where the servers at an address log to.
pub fn log_of(folder: &Path, address: &str) -> PathBuf {
    folder.join(format!("server-{}.log", address.rsplit(':').next().unwrap_or_default()))
}

fn is_ready(address: &str) -> bool {
    get(address, "/health/ready").is_ok_and(|(status, _)| status == 200)
}

/// Sends one GET request; returns status and body.
pub fn get(address: &str, path: &str) -> anyhow::Result<(u16, String)> {
    request(address, "GET", path, &[], "")
}

/// Sends one request with JSON, or nothing, in it; returns status and body. `headers` are whole lines.
pub fn request(address: &str, method: &str, path: &str, headers: &[&str], body: &str) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    // HTTP/1.0: the response comes in one piece, and the connection ends with it.
    let mut lines = vec![format!("{method} {path} HTTP/1.0"), format!("host: {address}")];
    lines.extend(headers.iter().map(|&header| header.to_owned()));
    if !body.is_empty() {
        lines.extend(["content-type: application/json".to_owned(), format!("content-length: {}", body.len())]);
    }
    stream.write_all(format!("{}\r\n\r\n{body}", lines.join("\r\n")).as_bytes())?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let status = response.split(' ').nth(1).and_then(|status| status.parse().ok()).context("not an HTTP response")?;
    let (_, body) = response.split_once("\r\n\r\n").context("not an HTTP response")?;
    Ok((status, body.to_owned()))
}

/// A running server. Stops gracefully when dropped.
pub struct Server {
    process: Process,
    pub address: String,
}

impl Server {
    #[cfg(feature = "load")]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// In bytes.
    #[cfg(feature = "load")]
    pub fn resident_memory(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kibibytes: u64 = line.split_whitespace().next().context("no number")?.parse()?;
        Ok(kibibytes << 10)
    }

    /// As if the power had failed.
    #[cfg(feature = "load")]
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill()
    }

    /// It stands still, or goes on.
    #[cfg(feature = "load")]
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        self.process.signal_family(signal)
    }

    pub fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(self.process.has_ended()?.is_some())
    }
}
