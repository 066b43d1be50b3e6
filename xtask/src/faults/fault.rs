use std::{fs, path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, bail, ensure};
use comanda_tests::{FaultyProxy, Weather};
use nix::sys::signal::Signal;
use serde_json::json;
use tokio_postgres::{Client, NoTls};

use super::{Damage, customer::sign_up};
use crate::{
    http::Connection,
    process::succeed,
    rush::stage::Stage,
    services::{Postgres, Redis},
};

/// Something to break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    PostgresKilled,
    PostgresPaused,
    PostgresRestarted,
    PostgresOutOfConnections,
    PostgresReadOnly,
    TableLocked,
    FailedOver,
    ReplicaBehind,
    DiskFull,
    RedisKilled,
    RedisPaused,
    RedisFull,
    RedisReadOnly,
    NetworkCut,
    NetworkDelayed,
    NetworkDribbling,
    ServerTerminated,
    ServerKilled,
}

impl Fault {
    pub const ALL: [Self; 18] = [
        Self::PostgresKilled,
        Self::PostgresPaused,
        Self::PostgresRestarted,
        Self::PostgresOutOfConnections,
        Self::PostgresReadOnly,
        Self::TableLocked,
        Self::FailedOver,
        Self::ReplicaBehind,
        Self::DiskFull,
        Self::RedisKilled,
        Self::RedisPaused,
        Self::RedisFull,
        Self::RedisReadOnly,
        Self::NetworkCut,
        Self::NetworkDelayed,
        Self::NetworkDribbling,
        Self::ServerTerminated,
        Self::ServerKilled,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::PostgresKilled => "postgres-killed",
            Self::PostgresPaused => "postgres-paused",
            Self::PostgresRestarted => "postgres-restarted",
            Self::PostgresOutOfConnections => "postgres-out-of-connections",
            Self::PostgresReadOnly => "postgres-read-only",
            Self::TableLocked => "table-locked",
            Self::FailedOver => "failed-over",
            Self::ReplicaBehind => "replica-behind",
            Self::DiskFull => "disk-full",
            Self::RedisKilled => "redis-killed",
            Self::RedisPaused => "redis-paused",
            Self::RedisFull => "redis-full",
            Self::RedisReadOnly => "redis-read-only",
            Self::NetworkCut => "network-cut",
            Self::NetworkDelayed => "network-delayed",
            Self::NetworkDribbling => "network-dribbling",
            Self::ServerTerminated => "server-terminated",
            Self::ServerKilled => "server-killed",
        }
    }

    pub const fn description(self) -> &'static str {
        match self {
            Self::PostgresKilled => "PostgreSQL SIGKILLed, back after 2 s",
            Self::PostgresPaused => "PostgreSQL, all of it, SIGSTOPped for 10 s",
            Self::PostgresRestarted => "PostgreSQL restarted in an orderly way",
            Self::PostgresOutOfConnections => "every connection of PostgreSQL taken for 4 s, the servers' ended",
            Self::PostgresReadOnly => "the database made read-only for 4 s, the servers' connections ended",
            Self::TableLocked => "`menu_items` locked by another session for 8 s",
            Self::FailedOver => "the primary SIGKILLed, a synchronous standby promoted a second later",
            Self::ReplicaBehind => "the replica of `DATABASE_REPLICA_URL` replays nothing for 5 s",
            Self::DiskFull => "the disk under PostgreSQL full for 4 s",
            Self::RedisKilled => "Redis SIGKILLed, back after 3 s",
            Self::RedisPaused => "Redis SIGSTOPped for 5 s",
            Self::RedisFull => "Redis out of memory, and refusing to evict, for 4 s",
            Self::RedisReadOnly => "Redis a read-only replica for 4 s",
            Self::NetworkCut => "no network to PostgreSQL for 3 s",
            Self::NetworkDelayed => "500 ms more each way to PostgreSQL for 5 s",
            Self::NetworkDribbling => "64 bytes every 2 ms to and from PostgreSQL for 5 s",
            Self::ServerTerminated => "a server SIGTERMed, and started again",
            Self::ServerKilled => "a server SIGKILLed, and started again",
        }
    }

    /// Whether `--selection` includes it: the faults that differ most.
    pub const fn is_selected(self) -> bool {
        matches!(
            self,
            Self::PostgresKilled | Self::PostgresPaused | Self::FailedOver | Self::RedisReadOnly | Self::ServerKilled
        )
    }

    pub const fn lasts(self) -> Duration {
        match self {
            Self::PostgresKilled => Duration::from_secs(2),
            Self::PostgresPaused => Duration::from_secs(10),
            Self::TableLocked => Duration::from_secs(8),
            Self::FailedOver => Duration::from_secs(1),
            Self::RedisPaused | Self::NetworkDelayed | Self::NetworkDribbling | Self::ReplicaBehind => {
                Duration::from_secs(5)
            }
            Self::RedisKilled | Self::NetworkCut => Duration::from_secs(3),
            Self::PostgresRestarted | Self::ServerTerminated | Self::ServerKilled => Duration::ZERO,
            Self::PostgresOutOfConnections
            | Self::PostgresReadOnly
            | Self::DiskFull
            | Self::RedisFull
            | Self::RedisReadOnly => Duration::from_secs(4),
        }
    }

    /// Whether a server itself goes, and with it the responses to some requests.
    pub const fn takes_a_server(self) -> bool {
        matches!(self, Self::ServerTerminated | Self::ServerKilled)
    }

    /// Before the servers start. `None`: it cannot be staged here.
    pub async fn prepare(self, stage: &mut Stage) -> anyhow::Result<Option<Damage>> {
        let mut damage = Damage::default();
        match self {
            Self::FailedOver | Self::ReplicaBehind => {
                let folder = stage.state.as_ref().context("the stage's folder")?;
                let standby = postgres(&mut stage.services)?.standby(folder)?;
                let primary = postgres(&mut stage.services)?;
                if self == Self::FailedOver {
                    let client = connect(&primary.url("comanda")).await?;
                    // What was committed must be there after the promotion.
                    client.batch_execute("ALTER SYSTEM SET synchronous_standby_names = '*'").await?;
                    client.batch_execute("SELECT pg_reload_conf()").await?;
                    let url = primary.url_of_either(&standby, "comanda");
                    stage.comanda.settings.insert("DATABASE_URL".to_owned(), url);
                    damage.database_url = Some(standby.url("comanda"));
                } else {
                    let url = standby.url("comanda");
                    stage.comanda.settings.insert("DATABASE_REPLICA_URL".to_owned(), url);
                }
                damage.standby = Some(standby);
            }
            Self::NetworkCut | Self::NetworkDelayed | Self::NetworkDribbling => {
                let url = stage.database_url()?.to_owned();
                let proxy = FaultyProxy::to(&url).await;
                stage.comanda.settings.insert("DATABASE_URL".to_owned(), proxy.url.clone());
                damage.database_url = Some(url);
                damage.proxy = Some(proxy);
            }
            Self::DiskFull => {
                let postgres = postgres(&mut stage.services)?;
                postgres.stop()?;
                match SmallDisk::under(postgres) {
                    Ok(disk) => damage.mount = Some(disk),
                    Err(error) => {
                        println!("not staged: {error:#}");
                        return Ok(None);
                    }
                }
                postgres.start_again()?;
            }
            _ => {}
        }
        Ok(Some(damage))
    }

    pub async fn strike(self, stage: &mut Stage, damage: &mut Damage) -> anyhow::Result<()> {
        let services = &mut stage.services;
        match self {
            Self::PostgresKilled | Self::FailedOver => postgres(services)?.kill()?,
            Self::PostgresPaused => postgres(services)?.signal(Signal::SIGSTOP)?,
            Self::PostgresRestarted => postgres(services)?.stop()?,
            Self::PostgresOutOfConnections => {
                let url = postgres(services)?.url("comanda");
                // As many as there are; those of the servers are ended until they find no room to come back.
                take_all(&url, &mut damage.holders).await;
                for _ in 0..100 {
                    let holder = damage.holders.first().context("a connection")?;
                    let theirs = "FROM pg_stat_activity WHERE application_name LIKE 'comanda%'";
                    holder.batch_execute(&format!("SELECT pg_terminate_backend(pid) {theirs}")).await?;
                    take_all(&url, &mut damage.holders).await;
                    let holder = damage.holders.first().context("a connection")?;
                    if holder.query_one(&format!("SELECT count(*) {theirs}"), &[]).await?.get::<_, i64>(0) == 0 {
                        return Ok(());
                    }
                }
                bail!("the servers come back each time");
            }
            Self::PostgresReadOnly => {
                let client = connect(&postgres(services)?.url("comanda")).await?;
                client.batch_execute("ALTER DATABASE comanda SET default_transaction_read_only = on").await?;
                let theirs = "FROM pg_stat_activity WHERE application_name LIKE 'comanda%'";
                client.batch_execute(&format!("SELECT pg_terminate_backend(pid) {theirs}")).await?;
                // It can still write.
                damage.holders.push(client);
            }
            Self::TableLocked => {
                let client = connect(&postgres(services)?.url("comanda")).await?;
                client.batch_execute("BEGIN; LOCK TABLE menu_items IN ACCESS EXCLUSIVE MODE").await?;
                damage.holders.push(client);
            }
            Self::ReplicaBehind => {
                let standby = damage.standby.as_ref().context("a replica")?;
                let client = connect(&standby.url("comanda")).await?;
                client.batch_execute("SELECT pg_wal_replay_pause()").await?;
                damage.holders.push(client);
            }
            Self::DiskFull => damage.mount.as_mut().context("a small disk")?.fill()?,
            Self::RedisKilled => redis(services)?.kill()?,
            Self::RedisPaused => redis(services)?.signal(Signal::SIGSTOP)?,
            Self::RedisFull => redis(services)?.command("CONFIG SET maxmemory 1")?,
            Self::RedisReadOnly => redis(services)?.command("REPLICAOF 127.0.0.1 1")?,
            Self::NetworkCut => proxy(damage)?.set(Weather::Cut),
            Self::NetworkDelayed => proxy(damage)?.set(Weather::Delayed(Duration::from_millis(500))),
            Self::NetworkDribbling => proxy(damage)?.set(Weather::Dribbling),
            // Dropping one stops it as an operator does.
            Self::ServerTerminated => drop(stage.servers.remove(0)),
            Self::ServerKilled => stage.servers.remove(0).kill()?,
        }
        Ok(())
    }

    pub async fn heal(self, stage: &mut Stage, damage: &mut Damage) -> anyhow::Result<()> {
        let services = &mut stage.services;
        match self {
            Self::PostgresKilled | Self::PostgresRestarted => postgres(services)?.start_again()?,
            Self::PostgresPaused => postgres(services)?.signal(Signal::SIGCONT)?,
            Self::PostgresOutOfConnections | Self::TableLocked => damage.holders.clear(),
            Self::PostgresReadOnly => {
                let client = damage.holders.pop().context("who made it read-only")?;
                client.batch_execute("ALTER DATABASE comanda RESET default_transaction_read_only").await?;
            }
            Self::FailedOver => {
                let client = connect(damage.database_url.as_deref().context("the standby")?).await?;
                client.batch_execute("SELECT pg_promote()").await?;
            }
            Self::ReplicaBehind => {
                assert_lists_are_current(stage).await?;
                let client = damage.holders.pop().context("who holds it up")?;
                client.batch_execute("SELECT pg_wal_replay_resume()").await?;
            }
            Self::DiskFull => {
                damage.mount.as_mut().context("a small disk")?.empty()?;
                postgres(services)?.start_again()?;
            }
            Self::RedisKilled => redis(services)?.start_again()?,
            Self::RedisPaused => redis(services)?.signal(Signal::SIGCONT)?,
            Self::RedisFull => redis(services)?.command("CONFIG SET maxmemory 0")?,
            Self::RedisReadOnly => redis(services)?.command("REPLICAOF NO ONE")?,
            Self::NetworkCut | Self::NetworkDelayed | Self::NetworkDribbling => proxy(damage)?.set(Weather::Fair),
            Self::ServerTerminated | Self::ServerKilled => {
                let again = stage.comanda.serve(&stage.addresses[0])?;
                stage.servers.insert(0, again);
            }
        }
        Ok(())
    }
}

fn postgres(services: &mut Option<crate::services::Services>) -> anyhow::Result<&mut Postgres> {
    services.as_mut().and_then(|services| services.postgres.as_mut()).context("faults need a PostgreSQL of their own")
}

fn redis(services: &mut Option<crate::services::Services>) -> anyhow::Result<&mut Redis> {
    services.as_mut().and_then(|services| services.redis.as_mut()).context("faults need a Redis of their own")
}

fn proxy(damage: &Damage) -> anyhow::Result<&FaultyProxy> {
    damage.proxy.as_ref().context("a proxy")
}

async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Takes connections, many at a time, until there is none left.
async fn take_all(url: &str, holders: &mut Vec<Client>) {
    loop {
        let mut connecting = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let url = url.to_owned();
            connecting.spawn(async move { connect(&url).await });
        }
        let taken = connecting.join_all().await.into_iter().flatten();
        let before = holders.len();
        holders.extend(taken);
        if holders.len() == before {
            return;
        }
    }
}

/// An order is in its customer's list, although the replica does not have it.
async fn assert_lists_are_current(stage: &Stage) -> anyhow::Result<()> {
    let token = sign_up(&stage.addresses[0]).await?;
    let mut connection = Connection::open(&stage.addresses[0]).await?;
    let menu = connection.get("/v1/menu/items?limit=1", None).await?.expect(200)?;
    let body = json!({ "items": [{ "menu_item_id": menu["data"][0]["id"], "quantity": 1 }] });
    let order = connection.post("/v1/orders", Some(&token), &body).await?.expect(201)?;
    let list = connection.get("/v1/orders", Some(&token)).await?.expect(200)?;
    let listed = list["data"].as_array().is_some_and(|orders| orders.iter().any(|listed| listed["id"] == order["id"]));
    ensure!(listed, "an order is not listed: lists are read from a replica that has fallen behind");
    Ok(())
}

/// A file system in memory, just large enough.
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Moves a stopped PostgreSQL onto it. Needs root's rights.
    fn under(postgres: &Postgres) -> anyhow::Result<Self> {
        let (folder, aside) = (postgres.folder.clone(), postgres.folder.with_extension("aside"));
        fs::rename(&folder, &aside)?;
        fs::create_dir(&folder)?;
        let mounted = succeed(Command::new("mount").args(["-t", "tmpfs", "-o", "size=400m", "comanda"]).arg(&folder));
        let moved = mounted.and_then(|()| {
            let disk = Self { folder: folder.clone() };
            succeed(Command::new("cp").arg("--archive").arg(aside.join(".")).arg(&folder))?;
            Ok(disk)
        });
        if moved.is_err() {
            fs::remove_dir(&folder)?;
            fs::rename(&aside, &folder)?;
        }
        moved
    }

    fn fill(&self) -> anyhow::Result<()> {
        // Ends in an error: it is full.
        let _ = Command::new("dd")
            .args(["if=/dev/zero", "bs=64k", "status=none"])
            .arg(format!("of={}", self.folder.join("ballast").display()))
            .stderr(std::process::Stdio::null())
            .status()?;
        Ok(())
    }

    fn empty(&self) -> anyhow::Result<()> {
        Ok(fs::remove_file(self.folder.join("ballast"))?)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // PostgreSQL may still be on it; it is gone when the last file on it is closed.
        if let Err(error) = succeed(Command::new("umount").arg("--lazy").arg(&self.folder)) {
            eprintln!("xtask: {error:#}");
        }
    }
}
