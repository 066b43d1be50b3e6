//! `cargo xtask faults`: breaks what Comanda depends on, under load, and checks what its customers observe.

mod crowd;
pub mod customer;
mod fault;
mod load;
mod migrating;
mod small_disk;
pub mod strike;
mod verdict;
mod watch;

use std::{
    fs,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use clap::Args;
use comanda_tests::FaultyProxy;
use rand::RngExt;

use self::{fault::Fault, load::Load, verdict::Verdict, watch::Watch};
use crate::{
    build::Profile,
    process::Process,
    project,
    rush::{menu_items::MenuItems, stage::Stage},
    services::{Pooler, Postgres, ReverseProxy},
};

#[derive(Args)]
pub struct FaultsArguments {
    /// Only these faults, by name
    names: Vec<String>,
    /// Only the five most different ones, which take a few minutes
    #[arg(long, conflicts_with = "names")]
    selection: bool,
    /// Write what was seen into docs/faults.md, beside what stands there of other faults; a run of all does
    #[arg(long)]
    write: bool,
    /// The seed of a run that failed, to repeat its random choices
    #[arg(long)]
    seed: Option<u64>,
}

/// Load before a fault and after it.
const CALM: Duration = Duration::from_secs(2);

/// How long a server may take to recover after the repair.
pub const RECOVERY: Duration = Duration::from_secs(5);

pub async fn run(arguments: &FaultsArguments) -> anyhow::Result<ExitCode> {
    let chosen: Vec<Fault> = if arguments.names.is_empty() {
        Fault::ALL.into_iter().filter(|fault| !arguments.selection || fault.is_selected()).collect()
    } else {
        let known = |name: &String| Fault::ALL.into_iter().find(|fault| fault.name() == name);
        let names = || Fault::ALL.map(Fault::name).join(", ");
        arguments
            .names
            .iter()
            .map(|name| known(name).with_context(|| format!("there are: {}", names())))
            .collect::<Result<_, _>>()?
    };
    let seed = arguments.seed.unwrap_or_else(|| rand::rng().random());
    println!("seed {seed}");
    let mut verdicts = Vec::new();
    for fault in chosen {
        println!("\n{}…", fault.name());
        verdicts.push(stage(fault, seed).await.with_context(|| format!("{}, seed {seed}", fault.name()))?);
    }
    let table = verdict::table(&verdicts);
    println!("\n{table}");
    if arguments.write || arguments.names.is_empty() && !arguments.selection {
        verdict::write_page(&project::root().join("docs/faults.md"), &table)?;
    }
    let faults: Vec<String> = verdicts.iter().flat_map(Verdict::complaints).collect();
    if faults.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("seed {seed}:\n{}", faults.join("\n"));
    Ok(ExitCode::FAILURE)
}

/// Stages one fault on servers and a database of its own.
async fn stage(fault: Fault, seed: u64) -> anyhow::Result<Verdict> {
    let mut stage = Stage::own("faults", Profile::Development, 0)?;
    let mut damage = fault.prepare(&mut stage).await?;
    if damage.is_none() {
        return Ok(Verdict::not_staged(fault));
    }
    let folder = stage.state.as_ref().context("the stage's folder")?.path("watch");
    fs::create_dir(&folder)?;
    stage.comanda.log_folder = Some(folder.clone());
    stage.open(2)?;
    let mut watch = Watch::start(&stage, &folder)?;
    if let Some(damage) = &mut damage {
        fault.set_up(&mut stage, damage)?;
    }
    let items = MenuItems::add(&stage, "Faults", (0..20).map(|n| (format!("Item {n}"), 1000, 1_000_000))).await?;
    let load = Load::start(&stage, &items, fault, seed).await?;
    tokio::time::sleep(CALM).await;
    let Some(damage) = &mut damage else { bail!("nothing to break") };
    watch.strike();
    fault.strike(&mut stage, damage).await.context("striking")?;
    tokio::time::sleep(fault.lasts()).await;
    fault.heal(&mut stage, damage).await.context("healing")?;
    let healed = Instant::now();
    let recovered = load.until_served_everywhere(healed + 3 * RECOVERY).await.map(|moment| moment - healed);
    tokio::time::sleep(CALM).await;
    let observed = load.finish().await?;
    let mut verdict = Verdict::new(fault, observed, watch.finish()?, recovered);
    verdict.hold_against_tables(&stage, damage.database_url.as_deref()).await?;
    // Connections through a proxy end with the servers.
    stage.servers.clear();
    Ok(verdict)
}

/// What a fault needs besides the stage.
#[derive(Default)]
pub struct Damage {
    /// Where the database is, if not where it was.
    database_url: Option<String>,
    standby: Option<Postgres>,
    proxy: Option<FaultyProxy>,
    holders: Vec<tokio_postgres::Client>,
    /// What was in force before.
    password: String,
    pooler: Option<Pooler>,
    migrators: Vec<Process>,
    crowd: Option<crowd::Crowd>,
    reverse_proxy: Option<ReverseProxy>,
    /// The address of a server that is to be started again.
    killed: Option<String>,
    mount: Option<small_disk::SmallDisk>,
}
