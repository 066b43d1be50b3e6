//! Migrations while servers serve.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use nix::sys::signal::Signal;
use tokio_postgres::Client;

use super::strike::connect;
use crate::{comanda::Comanda, process::Process, services::free_port};

/// Longer than any migration here takes once nothing is in its way.
const LATEST: Duration = Duration::from_secs(30);

/// Takes back a migration that changes a table which every order locks a row of. Servers place orders without it.
pub async fn make_pending(database_url: &str) -> anyhow::Result<()> {
    let sql = "SET lock_timeout = '5s'; ALTER TABLE users DROP COLUMN credentials_version; \
               DELETE FROM __diesel_schema_migrations WHERE version = '20261128100000'";
    connect(database_url).await?.batch_execute(sql).await.context("taking a migration back")
}

/// As a dump does, until the connection ends.
pub async fn read_what_a_migration_changes(database_url: &str) -> anyhow::Result<Client> {
    make_pending(database_url).await?;
    let reader = connect(database_url).await?;
    reader
        .batch_execute(
            "BEGIN ISOLATION LEVEL REPEATABLE READ; \
             LOCK TABLE users, orders, order_lines, outbox_events IN ACCESS SHARE MODE",
        )
        .await?;
    Ok(reader)
}

pub fn start(comanda: &Comanda) -> anyhow::Result<Process> {
    Process::start("comanda migrate", comanda.command(&["migrate"]), Signal::SIGTERM)
}

/// It must succeed.
pub async fn end(mut migrator: Process) -> anyhow::Result<()> {
    let deadline = Instant::now() + LATEST;
    loop {
        if let Some(status) = migrator.has_ended()? {
            ensure!(status.success(), "a migration failed: {status}");
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "a migration does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A migrator that waits for the reader, and is killed at a moment of its own each time.
pub async fn kill_again_and_again(comanda: &Comanda) -> anyhow::Result<()> {
    for n in 1..=8 {
        let mut migrator = start(comanda)?;
        tokio::time::sleep(Duration::from_millis(80 * n)).await;
        migrator.kill()?;
    }
    Ok(())
}

/// Two people deploy the same release at the same time: each migrates, and each starts a server.
pub async fn deploy_twice(comanda: &Comanda) -> anyhow::Result<()> {
    let migrators = [start(comanda)?, start(comanda)?];
    let starting = (0..2).map(|_| {
        let comanda = comanda.clone();
        tokio::task::spawn_blocking(move || comanda.serve(&format!("127.0.0.1:{}", free_port()?)))
    });
    let starting: Vec<_> = starting.collect();
    for migrator in migrators {
        end(migrator).await?;
    }
    for server in starting {
        // Ready, and stopped when it is dropped.
        server.await?.context("a server of a deploy")?;
    }
    Ok(())
}
