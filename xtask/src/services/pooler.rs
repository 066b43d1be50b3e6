use std::{
    fs,
    net::TcpStream,
    path::PathBuf,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use nix::sys::signal::Signal;

use super::{Account, free_port, programs::pgbouncer};
use crate::{process::Process, project::State};

/// A private `PgBouncer` that lends connections by session.
pub struct Pooler {
    process: Process,
    program: PathBuf,
    account: Account,
    file: PathBuf,
    port: u16,
    /// The database's URL that leads through it.
    pub url: String,
}

impl Pooler {
    /// In front of a database.
    pub fn before(state: &State, database_url: &str) -> anyhow::Result<Self> {
        let (program, account) = (pgbouncer()?, Account::choose(state)?);
        let folder = account.make_folder(state.path("pgbouncer"))?;
        let port = free_port()?;
        let url: tokio_postgres::Config = database_url.parse()?;
        let (user, database) = (url.get_user().context("a user")?, url.get_dbname().context("a database")?);
        let password = String::from_utf8_lossy(url.get_password().context("a password")?).into_owned();
        let server_port = url.get_ports().first().context("a port")?;
        let file = folder.join("pgbouncer.ini");
        // As in docs/configuration.md.
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={server_port} user={user} password={password}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = session\nserver_reset_query = DISCARD ALL\ndefault_pool_size = 50\nmax_client_conn = 200\n\
             tcp_keepidle = 10\ntcp_keepintvl = 5\ntcp_keepcnt = 3\nlogfile = {}\n",
            folder.join("pgbouncer.log").display()
        );
        fs::write(&file, settings)?;
        account.make_folder(folder)?;
        let process = launch(&program, &account, &file)?;
        let url = format!("postgres://{user}:{password}@127.0.0.1:{port}/{database}");
        let mut pooler = Self { process, program, account, file, port, url };
        pooler.wait_until_it_listens()?;
        Ok(pooler)
    }

    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.process.stop().map(|_| ())
    }

    pub fn start_again(&mut self) -> anyhow::Result<()> {
        self.process = launch(&self.program, &self.account, &self.file)?;
        self.wait_until_it_listens()
    }

    fn wait_until_it_listens(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            self.process.ensure_alive().context("see pgbouncer.log")?;
            if Instant::now() > deadline {
                bail!("PgBouncer does not listen");
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

fn launch(program: &std::path::Path, account: &Account, file: &std::path::Path) -> anyhow::Result<Process> {
    let mut command = account.command(program);
    command.arg("-q").arg(file).current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Ends at once, and the connections with it.
    Process::start("PgBouncer", command, Signal::SIGTERM)
}
