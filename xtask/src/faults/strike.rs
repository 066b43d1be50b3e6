//! How each fault is staged, struck and healed.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use comanda_tests::{FaultyProxy, Weather};
use nix::sys::signal::Signal;
use serde_json::json;
use tokio_postgres::{Client, NoTls};

use super::{Damage, crowd::Crowd, customer::sign_up, fault::Fault, migrating, small_disk::SmallDisk};
use crate::{
    http::Connection,
    project::random_secret,
    rush::stage::Stage,
    services::{Pooler, Postgres, Redis, ReverseProxy},
};

/// The servers' sessions.
const THEIRS: &str = "FROM pg_stat_activity WHERE application_name LIKE 'comanda%'";

impl Fault {
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
            Self::PoolerRestarted => {
                let folder = stage.state.as_ref().context("the stage's folder")?;
                let url = stage.database_url()?.to_owned();
                let pooler = Pooler::before(folder, &url)?;
                stage.comanda.settings.insert("DATABASE_URL".to_owned(), pooler.url.clone());
                damage.database_url = Some(url);
                damage.pooler = Some(pooler);
            }
            Self::TooManyConnections => {
                let most = Crowd::ALLOWED.to_string();
                stage.comanda.settings.insert("CONCURRENT_CONNECTIONS".to_owned(), most);
            }
            _ if self.is_behind_a_proxy() => {
                // As in production.
                stage.comanda.settings.insert("DRAIN_SECONDS".to_owned(), "5".to_owned());
                stage.comanda.settings.insert("TRUSTED_PROXIES".to_owned(), "127.0.0.0/8".to_owned());
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

    /// Once the servers serve, and before customers come.
    pub fn set_up(self, stage: &mut Stage, damage: &mut Damage) -> anyhow::Result<()> {
        if self.is_behind_a_proxy() {
            let folder = stage.state.as_ref().context("the stage's folder")?;
            let [one, two] = &stage.servers[..] else { bail!("not two servers") };
            let servers = [one.address.as_str(), two.address.as_str()];
            let proxy = match self.is_behind_nginx() {
                true => ReverseProxy::nginx(folder, servers)?,
                false => ReverseProxy::haproxy(folder, servers)?,
            };
            stage.addresses = vec![proxy.address.clone()];
            damage.reverse_proxy = Some(proxy);
        }
        Ok(())
    }

    pub async fn strike(self, stage: &mut Stage, damage: &mut Damage) -> anyhow::Result<()> {
        let services = &mut stage.services;
        match self {
            Self::PostgresKilled | Self::FailedOver => postgres(services)?.kill()?,
            Self::PostgresPaused => postgres(services)?.signal(Signal::SIGSTOP)?,
            Self::PostgresRestarted => postgres(services)?.stop()?,
            Self::PostgresOutOfConnections => {
                take_every_connection(&postgres(services)?.url("comanda"), &mut damage.holders).await?;
            }
            Self::PostgresReadOnly => {
                let client = connect(&postgres(services)?.url("comanda")).await?;
                client.batch_execute("ALTER DATABASE comanda SET default_transaction_read_only = on").await?;
                client.batch_execute(&format!("SELECT pg_terminate_backend(pid) {THEIRS}")).await?;
                // It can still write.
                damage.holders.push(client);
            }
            Self::PostgresPasswordChanged => {
                let client = connect(&postgres(services)?.url("comanda")).await?;
                let old = "SELECT rolpassword FROM pg_authid WHERE rolname = current_user";
                damage.password = client.query_one(old, &[]).await?.get(0);
                client.batch_execute(&format!("ALTER ROLE CURRENT_USER PASSWORD '{}'", random_secret())).await?;
                client.batch_execute(&format!("SELECT pg_terminate_backend(pid) {THEIRS}")).await?;
                damage.holders.push(client);
            }
            Self::EachTableLocked => lock_each_table(&postgres(services)?.url("comanda")).await?,
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
            Self::RedisPasswordChanged => {
                let (redis, other) = (redis(services)?, random_secret());
                redis.change_password(redis.password(), &other)?;
                damage.password = other;
            }
            Self::PoolerRestarted => damage.pooler.as_mut().context("a pooler")?.stop()?,
            Self::MigrationBesideReader => {
                let url = postgres(services)?.url("comanda");
                damage.holders.push(migrating::read_what_a_migration_changes(&url).await?);
                damage.migrators.push(migrating::start(&stage.comanda)?);
            }
            Self::MigratorKilled => {
                let url = postgres(services)?.url("comanda");
                damage.holders.push(migrating::read_what_a_migration_changes(&url).await?);
                migrating::kill_again_and_again(&stage.comanda).await?;
                damage.migrators.push(migrating::start(&stage.comanda)?);
            }
            Self::TwoDeploys => {
                migrating::make_pending(&postgres(services)?.url("comanda")).await?;
                migrating::deploy_twice(&stage.comanda).await?;
            }
            Self::TooManyConnections => damage.crowd = Some(Crowd::gather(stage).await?),
            Self::BehindNginx | Self::BehindHaproxy => restart_one_after_the_other(stage)?,
            Self::NetworkCut => proxy(damage)?.set(Weather::Cut),
            Self::NetworkDelayed => proxy(damage)?.set(Weather::Delayed(Duration::from_millis(500))),
            Self::NetworkDribbling => proxy(damage)?.set(Weather::Dribbling),
            // Dropping one stops it as an operator does.
            Self::ServerTerminated => drop(stage.servers.remove(0)),
            Self::ServerKilled => stage.servers.remove(0).kill()?,
            Self::KilledBehindNginx | Self::KilledBehindHaproxy => {
                let mut server = stage.servers.remove(0);
                damage.killed = Some(server.address.clone());
                server.kill()?;
            }
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
            Self::PostgresPasswordChanged => {
                let client = damage.holders.pop().context("who changed it")?;
                // As it is stored, not as it is given.
                client.batch_execute(&format!("ALTER ROLE CURRENT_USER PASSWORD '{}'", damage.password)).await?;
            }
            Self::RedisPasswordChanged => {
                let redis = redis(services)?;
                redis.change_password(&damage.password, redis.password())?;
            }
            Self::PoolerRestarted => damage.pooler.as_mut().context("a pooler")?.start_again()?,
            Self::MigrationBesideReader | Self::MigratorKilled => {
                damage.holders.clear();
                for migrator in damage.migrators.drain(..) {
                    migrating::end(migrator).await?;
                }
            }
            Self::TooManyConnections => damage.crowd = None,
            Self::EachTableLocked | Self::TwoDeploys | Self::BehindNginx | Self::BehindHaproxy => {}
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
            Self::KilledBehindNginx | Self::KilledBehindHaproxy => {
                let again = stage.comanda.serve(damage.killed.as_deref().context("who was killed")?)?;
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

pub async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// As many as there are; those of the servers are ended until they find no room to come back.
async fn take_every_connection(url: &str, holders: &mut Vec<Client>) -> anyhow::Result<()> {
    take_all(url, holders).await;
    for _ in 0..100 {
        let holder = holders.first().context("a connection")?;
        holder.batch_execute(&format!("SELECT pg_terminate_backend(pid) {THEIRS}")).await?;
        take_all(url, holders).await;
        let holder = holders.first().context("a connection")?;
        if holder.query_one(&format!("SELECT count(*) {THEIRS}"), &[]).await?.get::<_, i64>(0) == 0 {
            return Ok(());
        }
    }
    bail!("the servers come back each time");
}

async fn lock_each_table(url: &str) -> anyhow::Result<()> {
    let client = connect(url).await?;
    let tables = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";
    for table in client.query(tables, &[]).await? {
        let table: String = table.get(0);
        client.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).await?;
        tokio::time::sleep(Duration::from_millis(1500)).await;
        client.batch_execute("ROLLBACK").await?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// Three times over, as three releases would.
fn restart_one_after_the_other(stage: &mut Stage) -> anyhow::Result<()> {
    for _ in 0..3 {
        for n in 0..stage.servers.len() {
            let address = stage.servers[n].address.clone();
            drop(stage.servers.remove(n));
            stage.servers.insert(n, stage.comanda.serve(&address)?);
        }
    }
    Ok(())
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
