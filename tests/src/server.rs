use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, OnceLock, mpsc},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{TestDatabase, from_xtask, redis_url};

/// The private key that the servers of all tests sign tokens with.
pub fn signing_key() -> &'static str {
    static KEY: OnceLock<String> = OnceLock::new();
    KEY.get_or_init(|| {
        let output =
            Command::new(from_xtask("TEST_COMANDA")).args(["keys", "generate"]).output().expect("comanda runs");
        String::from_utf8(output.stdout).expect("a PEM")
    })
}

/// The `comanda` binary under test.
pub fn program() -> String {
    from_xtask("TEST_COMANDA")
}

/// The `comanda` binary with every required setting in its environment, and nothing of ours.
pub fn comanda(database_url: &str, redis_url: &str) -> Command {
    comanda_of(&program(), database_url, redis_url)
}

/// The same for the binary of another release.
pub fn comanda_of(program: &str, database_url: &str, redis_url: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("DATABASE_URL", database_url)
        .env("REDIS_URL", redis_url)
        .env("SECRET_KEY", "a secret of the tests, and of nobody else")
        .env("JWT_SIGNING_KEY", signing_key())
        .env("BIND_ADDR", "127.0.0.1:0")
        .env("LOG_FORMAT", "json")
        // No proxy has to notice that a server stops.
        .env("DRAIN_SECONDS", "0")
        // All clients of a test share one address.
        .env("ADDRESS_LIMIT_BURST", "100000")
        // The customers of most tests order more than they would eat. Not 0: the limits are checked as anywhere.
        .env("ORDER_LIMIT_OPEN", "1000000000")
        .env("ORDER_LIMIT_PORTIONS", "1000000000")
        .env("ORDER_LIMIT_PER_MINUTE", "1000000000");
    command
}

/// A server process. Stopped when dropped; its log is printed when the test fails.
pub struct TestServer {
    child: Child,
    /// `http://127.0.0.1:port`
    pub base_url: String,
    pub address: String,
    log: Arc<Mutex<Vec<String>>>,
}

impl TestServer {
    pub async fn start(database: &TestDatabase, settings: &[(&str, &str)]) -> Self {
        Self::start_at(&database.server_url, &redis_url().await, settings)
    }

    pub fn start_at(database_url: &str, redis_url: &str, settings: &[(&str, &str)]) -> Self {
        Self::start_of(&program(), database_url, redis_url, settings)
    }

    /// Starts a server of another release.
    pub fn start_of(program: &str, database_url: &str, redis_url: &str, settings: &[(&str, &str)]) -> Self {
        let mut command = comanda_of(program, database_url, redis_url);
        command.arg("serve").envs(settings.iter().copied()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("comanda starts");
        let stderr = child.stderr.take().expect("a pipe");
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let (serving, address) = mpsc::channel();
        let lines = Arc::clone(&log);
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some(address) = serving_address(&line) {
                    let _ = serving.send(address);
                }
                lines.lock().expect("not poisoned").push(line);
            }
        });
        let address = address.recv_timeout(Duration::from_mins(1)).unwrap_or_else(|_| {
            panic!("the server does not start: {:#?}", log.lock().expect("not poisoned"));
        });
        Self { child, base_url: format!("http://{address}"), address, log }
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().expect("a process id"))
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("the server takes the signal");
    }

    /// Waits until the process has ended.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("the server's end")
    }

    /// Stops it gracefully, by SIGTERM.
    pub fn stop(mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.wait()
    }

    /// Whether the circuit breaker of an operation has ever opened.
    pub fn has_left_alone(&self, operation: &str) -> bool {
        let moved = format!("\"operation\":\"{operation}\",\"to\":\"open\"");
        self.log().iter().any(|line| line.contains("a circuit breaker has moved") && line.contains(&moved))
    }

    /// Its log so far, one JSON document per line.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().expect("not poisoned").clone()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            println!("the server at {} logged:\n{}", self.address, self.log().join("\n"));
        }
    }
}

fn serving_address(line: &str) -> Option<String> {
    let event: serde_json::Value = serde_json::from_str(line).ok()?;
    let fields = event.get("fields")?;
    (fields.get("message")? == "serving").then(|| fields.get("address")?.as_str().map(str::to_owned))?
}
