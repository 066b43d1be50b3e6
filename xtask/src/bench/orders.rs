use std::{
    fmt::Write,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use clap::Args;
use hyper::body::Bytes;
use rand::RngExt;
use serde_json::json;
use tokio_postgres::NoTls;

use super::reference::{Demand, Measured, Reference};
use crate::{
    build::Profile,
    project,
    rush::{
        customers::{Customers, Tally},
        menu_items::MenuItems,
        stage::Stage,
    },
};

#[derive(Args)]
pub struct OrdersArguments {
    /// How long each measurement takes, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How many reference runs there are, of which the best counts
    #[arg(long, default_value_t = 3)]
    reference_runs: usize,
}

/// What was measured over HTTP.
struct Row {
    what: String,
    tally: Tally,
    reference: Measured,
    at_least: f64,
}

pub async fn run(arguments: &OrdersArguments) -> anyhow::Result<ExitCode> {
    ensure!((1..=120).contains(&arguments.seconds), "--seconds must be between 1 and 120");
    let (seconds, runs) = (arguments.seconds, arguments.reference_runs);
    let mut stage = Stage::own("bench", Profile::Release, 0)?;

    println!("Reference: pgbench, one statement an order, prepared, best of {runs}");
    let reference = Reference::prepare(stage.database_url()?).await?;
    reference.measure(Demand::Spread, 32, seconds.min(5))?;
    let spread = reference.best_of(runs, Demand::Spread, 32, seconds)?;
    let hot = reference.best_of(runs, Demand::Hot, 32, seconds)?;
    let alone = reference.best_of(runs, Demand::Spread, 1, seconds)?;
    println!(
        "  spread {:.0}/s, hot {:.0}/s, one client {:.3} ms",
        spread.orders_per_second, hot.orders_per_second, alone.mean_milliseconds
    );

    stage.open(1)?;
    let kitchen = Kitchen::open(&stage).await?;
    kitchen.measure(&stage, 32, Demand::Spread, seconds.min(5)).await?;
    kitchen.analyze(&stage).await?;
    let mut rows = Vec::new();
    for (clients, demand, reference, at_least) in [
        (32, Demand::Spread, spread, 1.2),
        (32, Demand::Hot, hot, 4.0),
        (128, Demand::Spread, spread, 1.8),
        (128, Demand::Hot, hot, 6.0),
    ] {
        let tally = kitchen.measure(&stage, clients, demand, seconds).await?;
        let what = format!("{clients} clients, {}", if demand == Demand::Hot { "one hot menu item" } else { "spread" });
        println!("  {what}: {:.0}/s", tally.placed_per_second());
        rows.push(Row { what, tally, reference, at_least });
    }
    let single = kitchen.measure(&stage, 1, Demand::Spread, seconds).await?;
    let memory = peak_memory(stage.servers[0].id())?;

    stage.open(2)?;
    let two = kitchen.measure(&stage, 32, Demand::Spread, seconds).await?;
    let two_hot = kitchen.measure(&stage, 32, Demand::Hot, seconds).await?;
    stage.open(0)?;
    let deadlocks = kitchen.deadlocks(&stage).await?;

    let table = table(
        &rows,
        &single,
        alone,
        &[("spread", &two, &rows[0].tally), ("one hot menu item", &two_hot, &rows[1].tally)],
        memory,
        deadlocks,
    )?;
    println!("\n{table}");
    let path = project::root().join("target/bench-orders.md");
    std::fs::write(&path, &table).with_context(|| format!("cannot write {}", path.display()))?;
    let sound = stage.comanda.command(&["check"]).status()?.success();
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A thousand menu items that never run out.
struct Kitchen {
    items: Arc<[String]>,
}

impl Kitchen {
    async fn open(stage: &Stage) -> anyhow::Result<Self> {
        let items = MenuItems::add(stage, "Bench", (0..1000).map(|n| (format!("Item {n}"), 990, 1_000_000))).await?;
        Ok(Self { items: items.ids.into() })
    }

    /// Three lines per order, as in the reference.
    async fn measure(&self, stage: &Stage, clients: usize, demand: Demand, seconds: u64) -> anyhow::Result<Tally> {
        let customers = Customers::sign_up(&stage.addresses, clients).await?;
        let items = Arc::clone(&self.items);
        let end = Instant::now() + Duration::from_secs(seconds);
        let basket = move |_| {
            (Instant::now() < end).then(|| {
                let mut random = rand::rng();
                let first = if demand == Demand::Hot { 0 } else { random.random_range(1..333) };
                let chosen = [first, random.random_range(333..666), random.random_range(666..1000)];
                let lines = chosen.map(|item| json!({ "menu_item_id": items[item], "quantity": 1 }));
                Bytes::from(json!({ "items": lines }).to_string())
            })
        };
        let tally = customers.buy(basket, false).await?;
        ensure!(tally.refusals.is_empty(), "orders were refused: {:?}", tally.refusals);
        Ok(tally)
    }

    async fn analyze(&self, stage: &Stage) -> anyhow::Result<()> {
        let (client, connection) = tokio_postgres::connect(stage.database_url()?, NoTls).await?;
        tokio::spawn(connection);
        Ok(client.batch_execute("VACUUM ANALYZE").await?)
    }

    async fn deadlocks(&self, stage: &Stage) -> anyhow::Result<i64> {
        let (client, connection) = tokio_postgres::connect(stage.database_url()?, NoTls).await?;
        tokio::spawn(connection);
        let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
        Ok(client.query_one(sql, &[]).await?.get(0))
    }
}

/// The most memory a process has had, in MiB.
fn peak_memory(process: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes / 1024.0)
}

fn table(
    rows: &[Row],
    single: &Tally,
    alone: Measured,
    two: &[(&str, &Tally, &Tally)],
    memory: f64,
    deadlocks: i64,
) -> anyhow::Result<String> {
    let mut table = String::from(
        "| one server | orders/s | p50 ms | p99 ms | pgbench orders/s | ratio | to reach |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for Row { what, tally, reference, at_least } in rows {
        let (rate, reference) = (tally.placed_per_second(), reference.orders_per_second);
        let (p50, p99) = (tally.milliseconds(0.5), tally.milliseconds(0.99));
        writeln!(
            table,
            "| {what} | {rate:.0} | {p50:.1} | {p99:.1} | {reference:.0} | {:.2} | {at_least} |",
            rate / reference
        )?;
    }
    writeln!(
        table,
        "\n| two servers, 32 clients | orders/s | p99 ms | one server's orders/s | ratio | to reach |\n\
         | --- | --- | --- | --- | --- | --- |"
    )?;
    for (what, both, one) in two {
        let (rate, one) = (both.placed_per_second(), one.placed_per_second());
        writeln!(
            table,
            "| {what} | {rate:.0} | {:.1} | {one:.0} | {:.2} | 0.7, p99 50 ms |",
            both.milliseconds(0.99),
            rate / one
        )?;
    }
    writeln!(
        table,
        "\nOne idle customer: p50 {:.3} ms; the statement alone {:.3} ms; to reach: 0.7 ms more.",
        single.milliseconds(0.5),
        alone.mean_milliseconds
    )?;
    writeln!(table, "Most memory of the one server: {memory:.0} MiB; to reach: 100. Deadlocks: {deadlocks}.")?;
    Ok(table)
}
