use std::{
    fs::{self, File},
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use nix::sys::signal::Signal;
use tokio_postgres::NoTls;

use super::{Account, Durability, free_port, programs::PostgresPrograms};
use crate::{
    process::{Process, output_of},
    project::{State, random_secret, write_private},
};

/// A private PostgreSQL.
pub struct Postgres {
    process: Process,
    pub port: u16,
    pub folder: PathBuf,
    password: String,
}

impl Postgres {
    const USER: &str = "comanda";

    pub async fn start(state: &State, account: &Account, durability: Durability) -> anyhow::Result<Self> {
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

        let log = File::options().create(true).append(true).open(state.path("postgres.log"))?;
        let port = free_port()?;
        let mut command = account.command(&programs.path("postgres"));
        command.arg("-D").arg(&data).args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k", ""]);
        for setting in ["max_connections=300", "log_line_prefix=%m [%p] %q%d ", "log_lock_waits=on"] {
            command.args(["-c", setting]);
        }
        if durability == Durability::None {
            command.args(["-c", "fsync=off", "-c", "full_page_writes=off"]);
            // Tests count statements, each in its own database.
            command.args(["-c", "shared_preload_libraries=pg_stat_statements", "-c", "pg_stat_statements.max=50000"]);
        }
        command.stdin(std::process::Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // SIGINT is PostgreSQL's fast shutdown: sessions end, nothing committed is lost.
        let process = Process::start("PostgreSQL", command, Signal::SIGINT)?;
        let mut postgres = Self { process, port, folder, password };
        postgres.wait_until_it_answers().await?;
        postgres.create_database().await?;
        Ok(postgres)
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://{}:{}@127.0.0.1:{}/{database}", Self::USER, self.password, self.port)
    }

    async fn wait_until_it_answers(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            self.process.ensure_alive().context("see postgres.log beside its folder")?;
            match tokio_postgres::connect(&self.url("postgres"), NoTls).await {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > deadline => return Err(error).context("it does not answer"),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn create_database(&self) -> anyhow::Result<()> {
        let (client, connection) = tokio_postgres::connect(&self.url("postgres"), NoTls).await?;
        let driver = tokio::spawn(connection);
        if client.query_opt("SELECT FROM pg_database WHERE datname = 'comanda'", &[]).await?.is_none() {
            client.batch_execute("CREATE DATABASE comanda").await?;
        }
        drop(client);
        driver.await??;
        Ok(())
    }
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
