use std::{
    io::Write,
    net::TcpListener,
    path::{Path, PathBuf},
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

/// `pg_dump` of a database, to be started.
pub fn pg_dump(url: &str) -> Command {
    let mut command = as_its_account(&program("pg_dump"));
    command.arg("--dbname").arg(url);
    command
}

/// A `PostgreSQL` for one test alone, with an empty database.
pub struct TestPostgres {
    folder: PathBuf,
    /// Of the cluster that runs.
    data: PathBuf,
    port: u16,
    accounts: String,
    child: Child,
}

impl TestPostgres {
    const PASSWORD: &str = "hunter2";

    /// Without a certificate, it does not speak TLS.
    pub async fn start(certificate: Option<&TestCertificate>, accepts: Accepts) -> Self {
        let folder = std::env::temp_dir().join(format!("comanda-postgres-{}", Uuid::now_v7()));
        let data = folder.join("data");
        run(as_its_account("mkdir").arg("--mode=700").arg(&folder).arg(folder.join("archive")), b"");
        let kind = match accepts {
            Accepts::Everything => "host",
            Accepts::OnlyEncrypted => "hostssl",
            Accepts::OnlyPlain => "hostnossl",
        };
        let accounts = format!(
            "host all,replication inspector 127.0.0.1/32 trust\n\
             {kind} all comanda 127.0.0.1/32 scram-sha-256\n"
        );
        let port = free_port();
        initialize(&data, &accounts);
        let mut settings = Vec::new();
        if let Some(TestCertificate { certificate, key }) = certificate {
            write(&data.join("server.crt"), certificate);
            write(&data.join("server.key"), key);
            settings.push("ssl=on");
        }
        let child = launch(&folder, &data, port, &settings);
        let mut postgres = Self { folder, data, port, accounts, child };
        postgres.create_database("comanda").await;
        postgres
    }

    async fn create_database(&mut self, name: &str) {
        let inspector = self.until_it_responds().await;
        let account = format!("CREATE ROLE comanda SUPERUSER LOGIN PASSWORD '{}'", Self::PASSWORD);
        inspector.batch_execute(&account).await.expect("an account");
        inspector.batch_execute(&format!("CREATE DATABASE {name} OWNER comanda")).await.expect("a database");
    }

    /// What `pg_dump` makes of the database.
    pub fn dump(&self) -> Vec<u8> {
        let mut command = as_its_account(&program("pg_dump"));
        let output = command.args(["--format=custom", &self.inspectors_url("comanda")]).output().expect("pg_dump runs");
        assert!(output.status.success(), "{output:?}");
        output.stdout
    }

    /// Puts a new cluster into its place, and restores a dump there.
    pub async fn restore(&mut self, dump: &[u8]) {
        self.end();
        self.data = self.folder.join("restored");
        initialize(&self.data, &self.accounts);
        self.child = launch(&self.folder, &self.data, self.port, &[]);
        // Nobody finds half a database under the name they know.
        self.create_database("unfinished").await;
        self.fill_unfinished(dump);
        let rename = "ALTER DATABASE unfinished RENAME TO comanda";
        self.inspector().await.batch_execute(rename).await.expect("a new name");
    }

    /// Restores a dump into the same cluster, and has it take the place of the original.
    pub async fn restore_beside(&self, dump: &[u8]) {
        let inspector = self.inspector().await;
        inspector.batch_execute("CREATE DATABASE unfinished OWNER comanda").await.expect("a database");
        self.fill_unfinished(dump);
        // Databases that somebody is connected to are not renamed.
        for step in [
            "ALTER DATABASE comanda ALLOW_CONNECTIONS false",
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = 'comanda'",
            "ALTER DATABASE comanda RENAME TO original",
            "ALTER DATABASE unfinished RENAME TO comanda",
        ] {
            inspector.batch_execute(step).await.expect(step);
        }
    }

    fn fill_unfinished(&self, dump: &[u8]) {
        let url = self.inspectors_url("unfinished");
        run(as_its_account(&program("pg_restore")).args(["--exit-on-error", "--dbname", &url]), dump);
    }

    /// Makes a base backup. The log since then is kept as far as it is archived.
    pub fn back_up(&self) {
        let mut command = as_its_account(&program("pg_basebackup"));
        command.args(["--host=127.0.0.1", "--username=inspector", "--port", &self.port.to_string()]);
        command.args(["--wal-method=none", "--checkpoint=fast", "--no-sync", "--pgdata"]);
        run(command.arg(self.folder.join("backup")), b"");
    }

    /// Starts a streaming replica of it.
    pub async fn standby(&self) -> Self {
        let folder = std::env::temp_dir().join(format!("comanda-postgres-{}", Uuid::now_v7()));
        let data = folder.join("data");
        run(as_its_account("mkdir").arg("--mode=700").arg(&folder).arg(folder.join("archive")), b"");
        let mut command = as_its_account(&program("pg_basebackup"));
        command.args(["--host=127.0.0.1", "--username=inspector", "--port", &self.port.to_string()]);
        command.args(["--wal-method=stream", "--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--pgdata"]);
        run(command.arg(&data), b"");
        let port = free_port();
        let child = launch(&folder, &data, port, &[]);
        let mut standby = Self { folder, data, port, accounts: self.accounts.clone(), child };
        standby.until_it_responds().await;
        standby
    }

    /// Returns once everything that was written so far is archived.
    pub async fn archive(&self) {
        let inspector = self.inspector().await;
        let switch = "SELECT pg_walfile_name(pg_switch_wal())";
        let file: String = inspector.query_one(switch, &[]).await.expect("a file of the log").get(0);
        let archived = "SELECT coalesce(last_archived_wal >= $1, false) FROM pg_stat_archiver";
        while !inspector.query_one(archived, &[&file]).await.expect("a row").get::<_, bool>(0) {
            tokio::task::yield_now().await;
        }
    }

    /// Loses the cluster, and puts into its place what the base backup and the archived log make, on a new timeline.
    pub async fn recover(&mut self) {
        self.end();
        self.data = self.folder.join("backup");
        run(as_its_account("touch").arg(self.data.join("recovery.signal")), b"");
        self.child = launch(&self.folder, &self.data, self.port, &[]);
        let inspector = self.until_it_responds().await;
        let recovers = "SELECT pg_is_in_recovery()";
        while inspector.query_one(recovers, &[]).await.expect("a row").get(0) {
            tokio::task::yield_now().await;
        }
    }

    /// Stops it, and every session with it.
    pub fn stop(&mut self) {
        self.end();
    }

    fn end(&mut self) {
        // Ends it and every process of its own at once.
        let _ = kill(Pid::from_raw(self.child.id().try_into().expect("a process id")), Signal::SIGQUIT);
        let _ = self.child.wait();
    }

    fn inspectors_url(&self, database: &str) -> String {
        format!("postgres://inspector@127.0.0.1:{}/{database}", self.port)
    }

    /// Connects to the server's database directly.
    pub async fn tables(&self) -> Client {
        let connected = tokio_postgres::connect(&self.inspectors_url("comanda"), NoTls).await;
        let (client, connection) = connected.expect("PostgreSQL responds");
        tokio::spawn(connection);
        client
    }

    /// The URL of the server's account.
    pub fn url(&self) -> String {
        format!("postgres://comanda:{}@127.0.0.1:{}/comanda", Self::PASSWORD, self.port)
    }

    /// The URL of the server's account, by a name that leads to this machine whatever it is.
    pub fn url_by(&self, host: &str, parameters: &str) -> String {
        let (password, port) = (Self::PASSWORD, self.port);
        format!("postgres://comanda:{password}@{host}:{port}/comanda?hostaddr=127.0.0.1&{parameters}")
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// New connections meet another certificate.
    pub async fn change_certificate(&self, certificate: &TestCertificate) {
        write(&self.data.join("server.crt"), &certificate.certificate);
        write(&self.data.join("server.key"), &certificate.key);
        self.inspector().await.batch_execute("SELECT pg_reload_conf()").await.expect("a reload");
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
        let (client, connection) = tokio_postgres::connect(&self.inspectors_url("postgres"), NoTls).await?;
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
        self.end();
        let _ = as_its_account("rm").arg("-r").arg(&self.folder).status();
    }
}

pub(crate) fn program(name: &str) -> String {
    format!("{}/{name}", from_xtask("TEST_POSTGRES_PROGRAMS"))
}

/// Neither `PostgreSQL` nor its files may be root's.
pub(crate) fn as_its_account(program: &str) -> Command {
    let account = from_xtask("TEST_POSTGRES_ACCOUNT");
    let mut words = account.split_whitespace();
    let mut command = Command::new(words.next().expect("a command"));
    command.args(words).arg(program).current_dir("/");
    command
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address").port()
}

pub(crate) fn initialize(data: &Path, accounts: &str) {
    let options = ["--username=inspector", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"];
    run(as_its_account(&program("initdb")).arg("--pgdata").arg(data).args(options), b"");
    write(&data.join("pg_hba.conf"), accounts);
}

fn launch(folder: &Path, data: &Path, port: u16, settings: &[&str]) -> Child {
    let mut command = as_its_account(&program("postgres"));
    command.arg("-D").arg(data).args(["-h", "127.0.0.1", "-k", "", "-p", &port.to_string(), "-c", "fsync=off"]);
    command.args(["-c", "logging_collector=on", "-c", "log_directory=.", "-c", "log_filename=log"]);
    let archive = folder.join("archive");
    command.args(["-c", "archive_mode=on", "-c", &format!("archive_command=cp %p {}/%f", archive.display())]);
    command.args(["-c", &format!("restore_command=cp {}/%f %p", archive.display())]);
    for setting in settings {
        command.args(["-c", setting]);
    }
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("PostgreSQL starts")
}

fn write(file: &Path, text: &str) {
    run(as_its_account("sh").args(["-c", "umask 077; cat > \"$0\""]).arg(file), text.as_bytes());
}

pub(crate) fn run(command: &mut Command, input: &[u8]) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("a process");
    child.stdin.take().expect("a pipe").write_all(input).expect("it reads");
    let status = child.wait().expect("its end");
    assert!(status.success(), "{command:?}: {status}");
}
