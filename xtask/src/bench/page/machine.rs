use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    process::Command,
    time::Instant,
};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::figure::median;
use crate::{
    bench::{database, redis},
    machine::Machine,
    process::output_of,
    project,
    services::Services,
};

/// Where figures were measured, line by line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MeasuredOn {
    #[serde(flatten)]
    pub machine: Machine,
    pub postgres: String,
    pub redis: String,
    pub disk: String,
}

impl MeasuredOn {
    pub async fn describe(services: &Services) -> anyhow::Result<Self> {
        let postgres = services.postgres.as_ref().context("the page needs a PostgreSQL of its own")?;
        let client = database::connect(&services.database_url).await?;
        let version: String = client.query_one("SHOW server_version", &[]).await?.get(0);
        let settings = "SELECT string_agg(name || ' = ' || current_setting(name), ', ' ORDER BY name) FROM pg_settings \
                        WHERE name IN ('fsync', 'full_page_writes', 'shared_buffers', 'synchronous_commit', \
                        'wal_sync_method')";
        let settings: String = client.query_one(settings, &[]).await?.get(0);
        Ok(Self {
            machine: Machine::here()?,
            postgres: format!("{version} ({settings})"),
            redis: redis_version(services)?,
            disk: format!("{:.2} ms to flush 8 KiB, the median of 200", flush_milliseconds(&postgres.folder)?),
        })
    }

    pub fn lines(&self) -> String {
        let Self { machine: Machine { processor, cores, memory, kernel }, postgres, redis, disk } = self;
        format!(
            "- processor: {processor}, {cores} cores for the load generator, the servers and the databases together\n\
             - memory: {memory}\n- kernel: {kernel}\n- PostgreSQL {postgres}\n- Redis {redis}\n- disk: {disk}\n"
        )
    }
}

fn redis_version(services: &Services) -> anyhow::Result<String> {
    let here = redis::arguments(&services.redis_url)?;
    let info = output_of(Command::new("redis-cli").arg("--no-auth-warning").args(here).args(["INFO", "server"]))?;
    let line = info.lines().find_map(|line| line.strip_prefix("redis_version:")).context("Redis says no version")?;
    Ok(line.trim().to_owned())
}

/// On the disk of the database.
fn flush_milliseconds(folder: &Path) -> anyhow::Result<f64> {
    let path = folder.join("flushes");
    let mut file = File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..200 {
        file.write_all(&[1; 8192])?;
        let begin = Instant::now();
        file.sync_data()?;
        times.push(begin.elapsed().as_secs_f64() * 1000.0);
    }
    fs::remove_file(path)?;
    median(&times)
}

/// The version measured: a commit, and whether files were changed since.
pub fn commit() -> anyhow::Result<String> {
    let described = Command::new("git").current_dir(project::root()).args(["describe", "--always", "--dirty"]).output();
    // What was downloaded as an archive has no commits.
    match described {
        Ok(output) if output.status.success() => Ok(String::from_utf8(output.stdout)?.trim().to_owned()),
        _ => Ok("unknown".to_owned()),
    }
}
