//! The servers, what they depend on, and how it breaks.

use std::{
    fs, mem,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use comanda_proof::{Fault, Request};
use comanda_tests::{FaultyProxy, Weather};
use nix::sys::signal::Signal;
use tokio_postgres::Client;

use super::{
    plan::{Plan, Planned},
    scene::Scene,
    strike::Strike,
};
use crate::{
    faults::strike::connect,
    receiver::Receiver,
    rush::stage::Stage,
    services::{Postgres, Redis},
};

/// Servers behind proxies that can fail, and before them.
pub struct Ground {
    pub stage: Stage,
    /// The folder that servers log to.
    pub logs: PathBuf,
    /// Where the database is, without a proxy.
    pub database_url: String,
    /// What takes the database's place when that is gone.
    standby: Option<Postgres>,
    database: FaultyProxy,
    redis: FaultyProxy,
    /// Before each server.
    clients: Vec<FaultyProxy>,
}

impl Ground {
    pub async fn prepare(mut stage: Stage, plan: &Plan, receiver: &Receiver) -> anyhow::Result<Self> {
        let settings = &mut stage.comanda.settings;
        let url_of = |name: &str| settings.get(name).cloned().with_context(|| format!("no {name}"));
        let (database_url, redis_url) = (url_of("DATABASE_URL")?, url_of("REDIS_URL")?);
        let (database, redis) = (FaultyProxy::to(&database_url).await, FaultyProxy::to(&redis_url).await);
        settings.insert("DATABASE_URL".to_owned(), database.url.clone());
        settings.insert("REDIS_URL".to_owned(), redis.url.clone());
        settings.extend(plan.settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        settings.extend(receiver.settings(super::RECEIVER));
        let logs = stage.state.as_ref().context("the stage's folder")?.private_folder("log")?;
        stage.comanda.log_folder = Some(logs.clone());
        stage.open(plan.servers)?;
        let mut clients = Vec::new();
        for address in &stage.addresses {
            clients.push(FaultyProxy::to(&format!("http://{address}/")).await);
        }
        let mut ground = Self { stage, logs, database_url, standby: None, database, redis, clients };
        if plan.has_standby() {
            ground.set_up_standby().await?;
        }
        Ok(ground)
    }

    /// Where clients reach the servers.
    pub fn addresses(&self) -> Vec<String> {
        let address = |proxy: &FaultyProxy| proxy.url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        self.clients.iter().map(address).collect()
    }

    /// Breaks something, and repairs it.
    pub async fn strike(&mut self, planned: &Planned, scene: &Scene) -> anyhow::Result<()> {
        let begun = scene.history.begin();
        let server = match planned.strike {
            Strike::ServerKilled(server) | Strike::ServerTerminated(server) => scene.process(server),
            _ => None,
        };
        self.stage_strike(planned, scene).await.with_context(|| planned.strike.to_string())?;
        let fault = match planned.strike {
            Strike::RedisKilled | Strike::RedisPaused | Strike::Redis(_) => Fault::Redis,
            Strike::FailedOver => Fault::Failover,
            Strike::ServerKilled(_) | Strike::ServerTerminated(_) => Fault::ServerEnded,
            other => Fault::Other(other.to_string()),
        };
        scene.history.operate(begun, server, Request::Fault { fault }, 200);
        Ok(())
    }

    async fn stage_strike(&mut self, planned: &Planned, scene: &Scene) -> anyhow::Result<()> {
        let pause = tokio::time::sleep(planned.lasts);
        match planned.strike {
            Strike::ServerKilled(server) => {
                scene.ends(server);
                self.stage.servers[server].kill()?;
                pause.await;
                self.replace(server, scene)?;
            }
            Strike::ServerTerminated(server) => {
                scene.ends(server);
                self.replace(server, scene)?;
            }
            Strike::ServerPaused(server) => {
                self.stage.servers[server].signal(Signal::SIGSTOP)?;
                pause.await;
                self.stage.servers[server].signal(Signal::SIGCONT)?;
            }
            Strike::PostgresKilled => {
                self.postgres()?.kill_at_once()?;
                pause.await;
                tokio::task::block_in_place(|| self.postgres()?.start_again())?;
            }
            Strike::PostgresRestarted => tokio::task::block_in_place(|| {
                let postgres = self.postgres()?;
                postgres.stop()?;
                postgres.start_again()
            })?,
            Strike::PostgresPaused => {
                self.postgres()?.signal(Signal::SIGSTOP)?;
                pause.await;
                self.postgres()?.signal(Signal::SIGCONT)?;
            }
            Strike::FailedOver => self.fail_over(planned.lasts).await?,
            Strike::RedisKilled => {
                self.redis()?.kill()?;
                pause.await;
                tokio::task::block_in_place(|| self.redis()?.start_again())?;
            }
            Strike::RedisPaused => {
                self.redis()?.signal(Signal::SIGSTOP)?;
                pause.await;
                self.redis()?.signal(Signal::SIGCONT)?;
            }
            Strike::Database(bad) => under(&self.database, bad.weather(), planned.lasts).await,
            Strike::Redis(bad) => under(&self.redis, bad.weather(), planned.lasts).await,
            Strike::Clients(server, bad) => under(&self.clients[server], bad.weather(), planned.lasts).await,
        }
        Ok(())
    }

    /// A standby for which commits wait, from the moment it has everything.
    async fn set_up_standby(&mut self) -> anyhow::Result<()> {
        let folder = self.stage.state.take().context("the stage's folder")?;
        let standby = tokio::task::block_in_place(|| self.postgres()?.standby(&folder));
        self.stage.state = Some(folder);
        self.standby = Some(standby?);
        let client = connect(&self.database_url).await?;
        client.batch_execute("ALTER SYSTEM SET synchronous_standby_names = '*'").await?;
        // It must be able to go on after it was away, whatever was written meanwhile.
        client.batch_execute("ALTER SYSTEM SET wal_keep_size = '1GB'").await?;
        client.batch_execute("SELECT pg_reload_conf()").await?;
        Ok(())
    }

    /// Loses the primary, promotes its standby, and sets up another one for that.
    async fn fail_over(&mut self, lasts: Duration) -> anyhow::Result<()> {
        ensure_in_step(&connect(&self.database_url).await?).await?;
        let standby = self.standby.take().context("a standby")?;
        self.postgres()?.kill_at_once()?;
        tokio::time::sleep(lasts).await;
        self.database_url = standby.url("comanda");
        let promoted = connect(&self.database_url).await?.query_one("SELECT pg_promote()", &[]).await?;
        ensure!(promoted.get::<_, bool>(0), "the standby was not promoted");
        self.database.redirect(&self.database_url);
        let lost = mem::replace(self.postgres()?, standby);
        fs::remove_dir_all(&lost.folder).context("what was lost cannot be removed")?;
        self.set_up_standby().await
    }

    /// Another server at the same address. The one that is there stops as an operator stops it, if it is not gone.
    fn replace(&mut self, server: usize, scene: &Scene) -> anyhow::Result<()> {
        let address = self.stage.addresses[server].clone();
        tokio::task::block_in_place(|| {
            drop(self.stage.servers.remove(server));
            self.stage.servers.insert(server, self.stage.comanda.serve(&address)?);
            anyhow::Ok(())
        })?;
        scene.has_begun(server);
        Ok(())
    }

    /// No server has ended by itself.
    pub fn ensure_alive(&mut self) -> anyhow::Result<()> {
        for server in &mut self.stage.servers {
            ensure!(!server.has_ended()?, "the server at {} has ended", server.address);
        }
        Ok(())
    }

    fn postgres(&mut self) -> anyhow::Result<&mut Postgres> {
        let services = self.stage.services.as_mut();
        services.and_then(|services| services.postgres.as_mut()).context("a PostgreSQL of our own")
    }

    fn redis(&mut self) -> anyhow::Result<&mut Redis> {
        let services = self.stage.services.as_mut();
        services.and_then(|services| services.redis.as_mut()).context("a Redis of our own")
    }
}

/// Waits until the standby has what is committed by now. Whoever decides on a failover in operation does so only then.
async fn ensure_in_step(primary: &Client) -> anyhow::Result<()> {
    const IN_STEP: &str = "SELECT EXISTS (SELECT FROM pg_stat_replication \
                                          WHERE sync_state = 'sync' AND flush_lsn >= $1::text::pg_lsn)";
    let place: String = primary.query_one("SELECT pg_current_wal_flush_lsn()::text", &[]).await?.get(0);
    let deadline = Instant::now() + Duration::from_secs(30);
    while !primary.query_one(IN_STEP, &[&place]).await?.get::<_, bool>(0) {
        ensure!(Instant::now() < deadline, "the standby does not catch up");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn under(proxy: &FaultyProxy, weather: Weather, time: Duration) {
    proxy.set(weather);
    tokio::time::sleep(time).await;
    proxy.set(Weather::Fair);
}
