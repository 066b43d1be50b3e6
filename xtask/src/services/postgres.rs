use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use nix::sys::signal::Signal;

use super::{Account, Durability, free_port, programs::PostgresPrograms};
use crate::{
    process::{Process, output_of},
    project::{State, open_private, random_secret, write_private},
};

/// A private PostgreSQL.
pub struct Postgres {
    process: Process,
    programs: PostgresPrograms,
    #[cfg_attr(not(feature = "load"), expect(dead_code, reason = "for the commands that break and restart it"))]
    account: Account,
    #[cfg_attr(not(feature = "load"), expect(dead_code, reason = "for the commands that break and restart it"))]
    durability: Durability,
    /// Variables of its processes.
    #[cfg_attr(not(feature = "load"), expect(dead_code, reason = "for the commands that break and restart it"))]
    environment: Vec<(&'static str, OsString)>,
    pub port: u16,
    pub folder: PathBuf,
    password: String,
}

impl Postgres {
    const USER: &str = "comanda";
    const SERVER_USER: &str = "comanda_server";

    pub fn start(state: &State, account: &Account, durability: Durability) -> anyhow::Result<Self> {
        let programs = PostgresPrograms::find_or_install()?;
        let password = state.keep("postgres-password", || Ok(random_secret()))?;
        let folder = account.make_folder(state.path("postgres"))?;
        let data = folder.join("data");
        if data.join("PG_VERSION").exists() {
            ensure_same_version(&programs, &data)?;
        } else {
            let password_file = folder.join("password");
            write_private(&password_file, &password)?;
            account.make_folder(folder.clone())?;
            output_of(
                account
                    .command(&programs.path("initdb"))
                    .arg("--pgdata")
                    .arg(&data)
                    .arg("--pwfile")
                    .arg(&password_file)
                    .args(["--username", Self::USER, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"])
                    .arg(if durability == Durability::None { "--no-sync" } else { "--data-checksums" }),
            )?;
            fs::remove_file(&password_file)?;
        }
        let port = free_port()?;
        let process = launch(&programs, account, durability, &[], &folder, port)?;
        let (account, environment) = (account.clone(), Vec::new());
        let mut postgres = Self { process, programs, account, durability, environment, port, folder, password };
        postgres.wait_until_it_answers()?;
        postgres.create_database()?;
        Ok(postgres)
    }

    /// A streaming replica of it.
    #[cfg(feature = "load")]
    pub fn standby(&self, state: &State) -> anyhow::Result<Self> {
        let port = free_port()?;
        let folder = self.account.make_folder(state.path(&format!("standby-{port}")))?;
        output_of(
            self.account
                .command(&self.programs.path("pg_basebackup"))
                .env("PGPASSWORD", &self.password)
                .args(["--host=127.0.0.1", "--username", Self::USER, "--port", &self.port.to_string()])
                .args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--pgdata"])
                .arg(folder.join("data")),
        )?;
        let programs = PostgresPrograms::find_or_install()?;
        let process = launch(&programs, &self.account, self.durability, &[], &folder, port)?;
        let (account, password, durability) = (self.account.clone(), self.password.clone(), self.durability);
        let environment = Vec::new();
        let mut standby = Self { process, programs, account, durability, environment, port, folder, password };
        standby.wait_until_it_answers()?;
        Ok(standby)
    }

    /// As if the power had failed.
    #[cfg(feature = "load")]
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill()
    }

    /// As if the power had failed, for all of its processes at once.
    #[cfg(feature = "load")]
    pub fn kill_at_once(&mut self) -> anyhow::Result<()> {
        comanda_tests::kill_at_once(self.process.id())?;
        self.process.kill()
    }

    /// From its next start on, its processes get these variables.
    #[cfg(feature = "load")]
    pub fn set_environment(&mut self, variables: impl IntoIterator<Item = (&'static str, OsString)>) {
        self.environment = variables.into_iter().collect();
    }

    /// A folder beside its data that is its account's.
    #[cfg(feature = "load")]
    pub fn make_folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        self.account.make_folder(self.folder.join(name))
    }

    /// Every one of its processes stands still, or goes on.
    #[cfg(feature = "load")]
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        self.process.signal_family(signal)
    }

    /// Stops it in an orderly way, if it has not ended; sessions are ended.
    #[cfg(feature = "load")]
    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.process.stop().map(|_| ())
    }

    /// Starts it again where it was, unless it is there; recovering may take a while.
    #[cfg(feature = "load")]
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        if self.process.has_ended()?.is_some() {
            // Sessions of the one before may still be ending, and hold on to its memory.
            let deadline = Instant::now() + Duration::from_secs(20);
            loop {
                let (programs, account) = (&self.programs, &self.account);
                self.process = launch(programs, account, self.durability, &self.environment, &self.folder, self.port)?;
                match self.wait_until_it_answers() {
                    Ok(()) => return Ok(()),
                    Err(error) if Instant::now() > deadline => return Err(error),
                    Err(_) => thread::sleep(Duration::from_millis(100)),
                }
            }
        }
        self.wait_until_it_answers()
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://{}:{}@127.0.0.1:{}/{database}", Self::USER, self.password, self.port)
    }

    /// Makes a role for servers that owns nothing, unless it exists; returns the URL of a database for it. It has the
    /// owner's password: a new one would stand in a command line, which everybody can read.
    pub fn server_role(&self, database: &str) -> anyhow::Result<String> {
        let (owner, role) = (Self::USER, Self::SERVER_USER);
        self.psql(&format!(
            "DO $$ BEGIN \
               IF to_regrole('{role}') IS NULL THEN \
                 EXECUTE format('CREATE ROLE {role} LOGIN PASSWORD %L', \
                   (SELECT rolpassword FROM pg_authid WHERE rolname = '{owner}')); \
               END IF; \
             END $$"
        ))?;
        Ok(format!("postgres://{role}:{}@127.0.0.1:{}/{database}", self.password, self.port))
    }

    /// The one of several that takes writes.
    #[cfg(feature = "load")]
    pub fn url_of_either(&self, other: &Self, database: &str) -> String {
        let (user, password) = (Self::USER, &self.password);
        format!(
            "postgres://{user}:{password}@127.0.0.1:{},127.0.0.1:{}/{database}?target_session_attrs=read-write",
            self.port, other.port
        )
    }

    fn wait_until_it_answers(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            self.process.ensure_alive().context("see postgres.log beside its folder")?;
            match self.psql("SELECT 1") {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > deadline => return Err(error).context("it does not reply"),
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    fn create_database(&self) -> anyhow::Result<()> {
        if self.psql("SELECT 1 FROM pg_database WHERE datname = 'comanda'")?.is_empty() {
            self.psql("CREATE DATABASE comanda")?;
        }
        Ok(())
    }

    /// Runs one statement; returns its rows as lines.
    fn psql(&self, statement: &str) -> anyhow::Result<String> {
        output_of(
            Command::new(self.programs.path("psql"))
                .env("PGPASSWORD", &self.password)
                .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--host=127.0.0.1"])
                .args(["--port", &self.port.to_string(), "--username", Self::USER])
                .args(["--dbname=postgres", "--command", statement]),
        )
    }
}

fn launch(
    programs: &PostgresPrograms,
    account: &Account,
    durability: Durability,
    environment: &[(&'static str, OsString)],
    folder: &Path,
    port: u16,
) -> anyhow::Result<Process> {
    let log = open_private(&folder.with_extension("log"))?;
    let mut command = account.command(&programs.path("postgres"));
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command.arg("-D").arg(folder.join("data")).args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k", ""]);
    for setting in ["max_connections=300", "log_line_prefix=%m [%p] %q%d ", "log_lock_waits=on"] {
        command.args(["-c", setting]);
    }
    // A standby that has lost its primary does not wait five seconds before it looks for it again.
    command.args(["-c", "wal_retrieve_retry_interval=200ms"]);
    // The plans of slow statements, in its log.
    for setting in ["session_preload_libraries=auto_explain", "auto_explain.log_min_duration=500ms"] {
        command.args(["-c", setting]);
    }
    if durability == Durability::None {
        command.args(["-c", "fsync=off", "-c", "full_page_writes=off"]);
        // Tests count statements, each in its own database.
        command.args(["-c", "shared_preload_libraries=pg_stat_statements", "-c", "pg_stat_statements.max=50000"]);
    }
    command.stdin(std::process::Stdio::null()).stdout(log.try_clone()?).stderr(log);
    // SIGINT is PostgreSQL's fast shutdown: sessions end, nothing committed is lost.
    Process::start("PostgreSQL", command, Signal::SIGINT)
}

fn ensure_same_version(programs: &PostgresPrograms, data: &std::path::Path) -> anyhow::Result<()> {
    let made_by = fs::read_to_string(data.join("PG_VERSION"))?;
    let version = output_of(std::process::Command::new(programs.path("postgres")).arg("--version"))?;
    let major = version.split_whitespace().nth(2).and_then(|v| v.split('.').next()).unwrap_or_default();
    if major != made_by.trim() {
        bail!(
            "the data in {} belong to PostgreSQL {}, but {} is {}; install that version, or remove the folder",
            data.display(),
            made_by.trim(),
            programs.folder.display(),
            version.trim()
        );
    }
    Ok(())
}
