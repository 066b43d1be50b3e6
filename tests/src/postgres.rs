use std::{
    io::Write,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::{TestCertificate, from_xtask};

/// Which connections of a server's account a [`TestPostgres`] accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepts {
    Everything,
    OnlyEncrypted,
    OnlyPlain,
}

/// A `PostgreSQL` for one test alone, with an empty database.
pub struct TestPostgres {
    folder: PathBuf,
    port: u16,
    child: Child,
}

impl TestPostgres {
    const PASSWORD: &str = "hunter2";

    /// Without a certificate, it does not speak TLS.
    pub async fn start(certificate: Option<&TestCertificate>, accepts: Accepts) -> Self {
        let folder = std::env::temp_dir().join(format!("comanda-postgres-{}", Uuid::now_v7()));
        let data = folder.join("data");
        run(as_its_account("mkdir").arg("--mode=700").arg(&folder), "");
        let options = ["--username=inspector", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"];
        run(as_its_account(&program("initdb")).arg("--pgdata").arg(&data).args(options), "");
        let kind = match accepts {
            Accepts::Everything => "host",
            Accepts::OnlyEncrypted => "hostssl",
            Accepts::OnlyPlain => "hostnossl",
        };
        let accounts = format!(
            "host all inspector 127.0.0.1/32 trust\n\
             {kind} all comanda 127.0.0.1/32 scram-sha-256\n"
        );
        write(&data.join("pg_hba.conf"), &accounts);
        let mut command = as_its_account(&program("postgres"));
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address").port();
        command.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-k", "", "-p", &port.to_string(), "-c", "fsync=off"]);
        command.args(["-c", "logging_collector=on", "-c", "log_directory=.", "-c", "log_filename=log"]);
        if let Some(TestCertificate { certificate, key }) = certificate {
            write(&data.join("server.crt"), certificate);
            write(&data.join("server.key"), key);
            command.args(["-c", "ssl=on"]);
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("PostgreSQL starts");
        let mut postgres = Self { folder, port, child };
        let inspector = postgres.until_it_responds().await;
        let account = format!("CREATE ROLE comanda SUPERUSER LOGIN PASSWORD '{}'", Self::PASSWORD);
        inspector.batch_execute(&account).await.expect("an account");
        inspector.batch_execute("CREATE DATABASE comanda OWNER comanda").await.expect("a database");
        postgres
    }

    /// The URL of the server's account, by a name that leads to this machine whatever it is.
    pub fn url_by(&self, host: &str, parameters: &str) -> String {
        let (password, port) = (Self::PASSWORD, self.port);
        format!("postgres://comanda:{password}@{host}:{port}/comanda?hostaddr=127.0.0.1&{parameters}")
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Connects without TLS, as an account of its own.
    pub async fn inspector(&self) -> Client {
        self.connect().await.expect("PostgreSQL responds")
    }

    /// How many connections the server's account has now: encrypted, and not.
    pub async fn connections(&self) -> (i64, i64) {
        let sql = "SELECT count(*) FILTER (WHERE ssl), count(*) FILTER (WHERE NOT ssl) \
                   FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'comanda'";
        let row = self.inspector().await.query_one(sql, &[]).await.expect("a count");
        (row.get(0), row.get(1))
    }

    /// What it has logged so far.
    pub async fn log(&self) -> String {
        self.inspector().await.query_one("SELECT pg_read_file('log')", &[]).await.expect("the log").get(0)
    }

    async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        let url = format!("postgres://inspector@127.0.0.1:{}/postgres", self.port);
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    async fn until_it_responds(&mut self) -> Client {
        loop {
            if let Ok(client) = self.connect().await {
                return client;
            }
            let ended = self.child.try_wait().expect("a child of ours");
            assert!(ended.is_none(), "PostgreSQL ended with {ended:?}");
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for TestPostgres {
    fn drop(&mut self) {
        // Ends it and every process of its own at once.
        let _ = kill(Pid::from_raw(self.child.id().try_into().expect("a process id")), Signal::SIGQUIT);
        let _ = self.child.wait();
        let _ = as_its_account("rm").arg("-r").arg(&self.folder).status();
    }
}

fn program(name: &str) -> String {
    format!("{}/{name}", from_xtask("TEST_POSTGRES_PROGRAMS"))
}

/// Neither `PostgreSQL` nor its files may be root's.
fn as_its_account(program: &str) -> Command {
    let account = from_xtask("TEST_POSTGRES_ACCOUNT");
    let mut words = account.split_whitespace();
    let mut command = Command::new(words.next().expect("a command"));
    command.args(words).arg(program).current_dir("/");
    command
}

fn write(file: &std::path::Path, text: &str) {
    run(as_its_account("sh").args(["-c", "umask 077; cat > \"$0\""]).arg(file), text);
}

fn run(command: &mut Command, input: &str) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("a process");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    let status = child.wait().expect("its end");
    assert!(status.success(), "{command:?}: {status}");
}
