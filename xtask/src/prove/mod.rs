//! `cargo xtask prove`: has several servers work for many people while much of it breaks, writes down every call, and
//! checks from outside that each response was allowed.

mod account;
mod asked;
mod browser;
mod ground;
mod history;
mod logs;
mod pantry;
mod people;
mod person;
mod plan;
mod planted;
mod run;
mod scene;
mod settle;
mod shown;
mod strike;
mod tables;
mod verdict;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::ensure;
use clap::Args;
use rand::RngExt;

use self::{plan::Plan, run::Run};
use crate::project;

#[derive(Args)]
pub struct ProveArguments {
    /// How long people are at work
    #[arg(long, default_value_t = 3)]
    minutes: u32,
    /// The seed of an earlier run, to repeat what is chosen at random
    #[arg(long)]
    seed: Option<u64>,
    /// How many servers there are, instead of two to four
    #[arg(long)]
    servers: Option<usize>,
    /// Break nothing
    #[arg(long)]
    faultless: bool,
    /// Plant a fault into the servers, which must be found: by its name, or `rota` for another one each day
    #[arg(long, value_name = "NAME", conflicts_with = "minutes")]
    planted: Option<String>,
    /// Build the servers as they are shipped, which takes longer
    #[arg(long, conflicts_with = "planted")]
    release: bool,
    /// Only check what is recorded in this folder, by an earlier run or of a deployment of yours
    #[arg(long, value_name = "FOLDER")]
    #[arg(conflicts_with_all = ["minutes", "seed", "servers", "faultless", "planted", "release"])]
    check: Option<PathBuf>,
    /// Only read the tables of a deployment of yours, once it has come to rest, and put them beside the history in the
    /// folder
    #[arg(long, num_args = 2, value_names = ["POSTGRES_URL", "FOLDER"])]
    #[arg(conflicts_with_all = ["check", "minutes", "seed", "servers", "faultless", "planted", "release"])]
    tables: Option<Vec<String>>,
}

/// The receiver of events.
const RECEIVER: &str = "witness";

pub async fn run(arguments: &ProveArguments) -> anyhow::Result<ExitCode> {
    if let Some(folder) = &arguments.check {
        return verdict::of(folder);
    }
    if let Some([database_url, folder]) = arguments.tables.as_deref() {
        tables::add_to(Path::new(folder), database_url).await?;
        return Ok(ExitCode::SUCCESS);
    }
    ensure!((1..=24 * 60).contains(&arguments.minutes), "--minutes must be between 1 and 1440");
    ensure!(arguments.servers.is_none_or(|servers| (1..=8).contains(&servers)), "--servers must be between 1 and 8");
    let seed = arguments.seed.unwrap_or_else(|| rand::rng().random_range(0..1_000_000_000));
    let length = Duration::from_mins(arguments.minutes.into());
    let plan = match &arguments.planted {
        Some(name) => planted::plan(name, seed, arguments.servers, arguments.faultless)?,
        None => Plan::draw(seed, arguments.servers, length, arguments.faultless),
    };
    let plan = if arguments.release { plan.with_released_servers() } else { plan };
    println!("seed {seed}: {plan}");
    let folder = project::root().join("target/prove").join(seed.to_string());
    Run::new(plan, &folder)?.carry_out().await?;
    verdict::of(&folder)
}
