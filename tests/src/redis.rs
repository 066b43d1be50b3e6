use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::{TestCertificate, from_xtask};

/// A Redis for one test alone, which may be killed.
pub struct TestRedis {
    port: u16,
    folder: PathBuf,
    over_tls: bool,
    child: Option<Child>,
}

impl TestRedis {
    pub async fn start() -> Self {
        Self::start_with(None).await
    }

    /// Speaks TLS only.
    pub async fn start_over_tls(certificate: &TestCertificate) -> Self {
        Self::start_with(Some(certificate)).await
    }

    async fn start_with(certificate: Option<&TestCertificate>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address").port();
        let folder = std::env::temp_dir().join(format!("comanda-redis-{}", Uuid::now_v7()));
        std::fs::create_dir(&folder).expect("a folder");
        if let Some(TestCertificate { certificate, key }) = certificate {
            std::fs::write(folder.join("server.crt"), certificate).expect("a file");
            std::fs::write(folder.join("server.key"), key).expect("a file");
        }
        let mut redis = Self { port, folder, over_tls: certificate.is_some(), child: None };
        redis.start_again().await;
        redis
    }

    pub fn url(&self) -> String {
        self.url_by("127.0.0.1")
    }

    /// By another name of this machine.
    pub fn url_by(&self, host: &str) -> String {
        format!("{}://{host}:{}/0", if self.over_tls { "rediss" } else { "redis" }, self.port)
    }

    /// Starts it again with the data it had saved.
    pub async fn start_again(&mut self) {
        let mut command = Command::new(from_xtask("TEST_REDIS_SERVER"));
        command.args(["--bind", "127.0.0.1", "--save", "60 1", "--dir"]).arg(&self.folder);
        let port = self.port.to_string();
        if self.over_tls {
            command.args(["--port", "0", "--tls-port", &port, "--tls-auth-clients", "no"]);
            command.arg("--tls-cert-file").arg(self.folder.join("server.crt"));
            command.arg("--tls-key-file").arg(self.folder.join("server.key"));
            // It asks for one, although it verifies no client.
            command.arg("--tls-ca-cert-file").arg(self.folder.join("server.crt"));
        } else {
            command.args(["--port", &port]);
        }
        let child = command.stdout(Stdio::null()).spawn().expect("Redis starts");
        self.child = Some(child);
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            tokio::task::yield_now().await;
        }
    }

    /// Stops its process by SIGSTOP, as when the machine hangs.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("Redis runs");
        kill(Pid::from_raw(child.id().try_into().expect("a process id")), signal).expect("Redis takes the signal");
    }

    /// Starts it again without data.
    pub async fn start_empty(&mut self) {
        let _ = std::fs::remove_file(self.folder.join("dump.rdb"));
        self.start_again().await;
    }

    /// Kills it by SIGKILL.
    pub fn kill(&mut self) {
        self.end(Signal::SIGKILL);
    }

    /// Stops it gracefully; it saves its data.
    pub fn stop(&mut self) {
        self.end(Signal::SIGTERM);
    }

    fn end(&mut self, signal: Signal) {
        if let Some(mut child) = self.child.take() {
            let _ = kill(Pid::from_raw(child.id().try_into().expect("a process id")), signal);
            let _ = child.wait();
        }
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
