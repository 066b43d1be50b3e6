//! PostgreSQL and Redis: those that `DATABASE_URL` and `REDIS_URL` name, or private ones; and what stands before them,
//! and before servers, in operation.

mod account;
#[cfg(feature = "load")]
mod pooler;
mod postgres;
mod programs;
mod redis;
#[cfg(feature = "load")]
mod reverse_proxy;

use std::{
    ffi::OsStr,
    net::TcpListener,
    path::{Path, PathBuf},
};

use anyhow::Context;

use self::{account::Account, programs::PostgresPrograms};
#[cfg(feature = "load")]
pub use self::{
    pooler::Pooler,
    programs::{prometheus, wrk},
    reverse_proxy::ReverseProxy,
};
pub use self::{
    postgres::Postgres,
    programs::{
        chromedriver, chromium, jq, libpq, nginx, node, node_packages, pgbouncer, promtool, python_with,
        python_with_servers, redis_server,
    },
    redis::Redis,
};
use crate::{
    build::{Build, Profile},
    project::State,
};

/// What a private PostgreSQL or Redis is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Orders must survive a power cut.
    Full,
    /// Tests: nothing is worth keeping after a crash.
    None,
}

/// Servers to work with. Private ones stop when this is dropped.
pub struct Services {
    pub database_url: String,
    pub redis_url: String,
    /// `None`: somebody else's.
    pub postgres: Option<Postgres>,
    #[cfg_attr(not(feature = "load"), expect(dead_code, reason = "for the commands that break and restart them"))]
    pub redis: Option<Redis>,
}

impl Services {
    /// Brings up what the environment does not name.
    pub fn start(state: &State, durability: Durability) -> anyhow::Result<Self> {
        let given = |name| std::env::var(name).ok().filter(|url| !url.is_empty());
        Self::start_beside(state, durability, given("DATABASE_URL"), given("REDIS_URL"))
    }

    /// Private ones, whatever the environment names.
    pub fn start_private(state: &State, durability: Durability) -> anyhow::Result<Self> {
        Self::start_beside(state, durability, None, None)
    }

    fn start_beside(
        state: &State,
        durability: Durability,
        database_url: Option<String>,
        redis_url: Option<String>,
    ) -> anyhow::Result<Self> {
        let account = Account::choose(state)?;

        let (database_url, postgres) = match database_url {
            Some(url) => (url, None),
            None => {
                let started = Postgres::start(state, &account, durability).context("PostgreSQL")?;
                println!("PostgreSQL is up on port {}, its data in {}", started.port, started.folder.display());
                (started.url("comanda"), Some(started))
            }
        };
        let (redis_url, redis) = match redis_url {
            Some(url) => (url, None),
            None => {
                let started = Redis::start(state, &account, durability).context("Redis")?;
                println!("Redis is up on port {}, its data in {}", started.port, started.folder.display());
                (started.url(), Some(started))
            }
        };
        Ok(Self { database_url, redis_url, postgres, redis })
    }
}

/// A PostgreSQL of one's own, whatever the environment names.
pub fn private_postgres(state: &State) -> anyhow::Result<Postgres> {
    Postgres::start(state, &Account::choose(state)?, Durability::None).context("PostgreSQL")
}

/// PostgreSQL for tests that start one: the folder of its programs, and the words of a command that runs one of them as
/// somebody whom PostgreSQL accepts.
pub fn postgres_for_tests(state: &State) -> anyhow::Result<(PathBuf, String)> {
    let account = Account::choose(state)?.command(Path::new("env"));
    let words = std::iter::once(account.get_program()).chain(account.get_args());
    let words = words.map(OsStr::to_string_lossy).collect::<Vec<_>>();
    Ok((PostgresPrograms::find_or_install()?.folder, words.join(" ")))
}

/// The library that gives programs a disk which can be slow and lose power.
pub fn disk_shim(profile: Profile) -> anyhow::Result<PathBuf> {
    let next = "starting what depends on it";
    Build { package: "comanda-disk-shim", binary: "comanda_disk_shim", profile, features: &[], next }.run()
}

/// PostgreSQL's own load generator, which comes with it.
#[cfg(feature = "load")]
pub fn pgbench() -> anyhow::Result<PathBuf> {
    Ok(PostgresPrograms::find_or_install()?.path("pgbench"))
}

/// The same server, another database.
#[cfg(feature = "load")]
pub fn url_of_database(url: &str, database: &str) -> anyhow::Result<String> {
    let (server, _) = url.rsplit_once('/').context("DATABASE_URL names no database")?;
    Ok(format!("{server}/{database}"))
}

/// A port nobody listens on at this moment.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
