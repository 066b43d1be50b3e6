use std::{path::PathBuf, process::Command};

use anyhow::Context;
use tokio_postgres::NoTls;

use crate::{
    process::output_of,
    project,
    services::{pgbench, url_of_database},
};

/// One SQL statement per order, run by pgbench in a database beside the server's.
pub struct Reference {
    url: String,
    pgbench: PathBuf,
}

/// How the orders spread over the menu items.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    Spread,
    Hot,
}

/// What pgbench measured.
#[derive(Clone, Copy)]
pub struct Measured {
    pub orders_per_second: f64,
    pub mean_milliseconds: f64,
}

impl Reference {
    /// A filled and analyzed copy of the server's database, which nobody may be connected to.
    pub async fn prepare(database_url: &str) -> anyhow::Result<Self> {
        let (client, connection) = tokio_postgres::connect(&url_of_database(database_url, "postgres")?, NoTls).await?;
        tokio::spawn(connection);
        let template = database_url.rsplit('/').next().context("the URL names no database")?;
        client.batch_execute(&format!("CREATE DATABASE reference TEMPLATE \"{template}\"")).await?;
        let url = url_of_database(database_url, "reference")?;
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute(&std::fs::read_to_string(folder().join("fill.sql"))?).await?;
        Ok(Self { url, pgbench: pgbench()? })
    }

    pub fn measure(&self, demand: Demand, clients: usize, seconds: u64) -> anyhow::Result<Measured> {
        let ranges = match demand {
            Demand::Spread => [(1, 333), (334, 666), (667, 1000)],
            Demand::Hot => [(1, 1), (2, 500), (501, 1000)],
        };
        let ranges = ["a", "b", "c"].iter().zip(ranges).flat_map(|(item, (from, to))| {
            [format!("--define={item}_from={from}"), format!("--define={item}_to={to}")]
        });
        let report = output_of(
            Command::new(&self.pgbench)
                .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
                .args(["--client", &clients.to_string(), "--time", &seconds.to_string(), "--file"])
                .arg(folder().join("order.sql"))
                .args(ranges)
                .arg(&self.url),
        )?;
        let number = |prefix: &str| {
            let line = report
                .lines()
                .find_map(|line| line.strip_prefix(prefix))
                .with_context(|| format!("pgbench reports no {prefix}"))?;
            line.trim_start_matches([' ', '='])
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .parse::<f64>()
                .context("pgbench's report")
        };
        Ok(Measured { orders_per_second: number("tps")?, mean_milliseconds: number("latency average")? })
    }

    /// The best of several, so that a ratio never flatters us.
    pub fn best_of(&self, runs: usize, demand: Demand, clients: usize, seconds: u64) -> anyhow::Result<Measured> {
        let mut best = self.measure(demand, clients, seconds)?;
        for _ in 1..runs {
            let next = self.measure(demand, clients, seconds)?;
            if next.orders_per_second > best.orders_per_second {
                best = next;
            }
        }
        Ok(best)
    }
}

fn folder() -> PathBuf {
    project::root().join("xtask/sql/orders")
}
