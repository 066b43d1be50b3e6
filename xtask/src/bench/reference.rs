use std::{path::PathBuf, process::Command};

use anyhow::Context;

use super::{database, demand::Demand};
use crate::{process::output_of, project, services::pgbench};

/// One SQL statement per order, run by pgbench in a database beside the server's.
pub struct Reference {
    pub url: String,
}

/// What pgbench measured.
#[derive(Clone, Copy)]
pub struct Measured {
    pub per_second: f64,
    pub mean_milliseconds: f64,
}

impl Reference {
    /// A filled and analyzed copy of the server's database, which nobody may be connected to.
    pub async fn prepare(database_url: &str) -> anyhow::Result<Self> {
        let url = database::copy(database_url, "reference").await?;
        let client = database::connect(&url).await?;
        client.batch_execute(&std::fs::read_to_string(folder().join("fill.sql"))?).await?;
        Ok(Self { url })
    }

    pub fn measure(&self, demand: &Demand, clients: usize, seconds: u64) -> anyhow::Result<Measured> {
        let script = project::root().join("target/bench-order.sql");
        std::fs::write(&script, demand.script(&std::fs::read_to_string(folder().join("order.sql"))?))?;
        Measured::by_pgbench(&self.url, &script, clients, seconds)
    }
}

impl Measured {
    pub fn by_pgbench(url: &str, script: &std::path::Path, clients: usize, seconds: u64) -> anyhow::Result<Self> {
        let threads = clients.min(2);
        let report = output_of(
            Command::new(pgbench()?)
                .args(["--no-vacuum", "--protocol=prepared", "--jobs", &threads.to_string()])
                .args(["--client", &clients.to_string(), "--time", &seconds.to_string(), "--file"])
                .arg(script)
                .arg(url),
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
        Ok(Self { per_second: number("tps")?, mean_milliseconds: number("latency average")? })
    }
}

fn folder() -> PathBuf {
    project::root().join("xtask/sql/orders")
}
