//! `cargo xtask rush`: many customers at once, then a check of the tables.

pub mod customers;
pub mod menu_items;
mod replay;
pub mod stage;
mod totals;

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::ensure;
use clap::Args;
use hyper::body::Bytes;
use rand::RngExt;
use serde_json::json;

use self::{
    customers::{Customers, Tally},
    menu_items::MenuItems,
    replay::{Replay, Short, replay_orders},
    stage::Stage,
    totals::Totals,
};

#[derive(Args)]
pub struct RushArguments {
    /// How many customers order at the same time
    #[arg(long, default_value_t = 64)]
    customers: usize,
    /// How many orders they attempt in total
    #[arg(long, default_value_t = 5000)]
    orders: usize,
    /// Put one menu item into every order
    #[arg(long)]
    hot: bool,
    /// Start this many servers on one private database, instead of using the running one
    #[arg(long)]
    servers: Option<usize>,
    /// Place the orders in this file: tab-separated `order_id`, `quantity`, `item_name`, `choice_description`,
    /// `item_price`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["orders", "hot"])]
    replay: Option<PathBuf>,
    /// Stock this much of an option of the file, instead of what is ordered of it
    #[arg(long, value_name = "NAME=STOCK", requires = "replay")]
    short: Vec<Short>,
}

pub async fn run(arguments: RushArguments) -> anyhow::Result<ExitCode> {
    ensure!((1..=1000).contains(&arguments.customers), "--customers must be between 1 and 1000");
    ensure!((1..=1_000_000).contains(&arguments.orders), "--orders must be between 1 and 1000000");
    ensure!(arguments.servers.is_none_or(|servers| (1..=8).contains(&servers)), "--servers must be between 1 and 8");
    let mut replay = arguments.replay.as_deref().map(Replay::read).transpose()?;
    if let Some(replay) = &mut replay {
        replay.shorten(&arguments.short)?;
    }

    let stage = Stage::running_or_own(arguments.servers)?;
    println!("{} customers sign up…", arguments.customers);
    let customers = Customers::sign_up(&stage.addresses, arguments.customers).await?;
    let sound = match replay {
        Some(replay) => replay_orders(&stage, &customers, replay).await?,
        None => dinner_rush(&stage, &customers, &arguments).await?,
    };
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Stocks less than is ordered, so that the last customers find menu items sold out.
async fn dinner_rush(stage: &Stage, customers: &Customers, arguments: &RushArguments) -> anyhow::Result<bool> {
    const ITEMS: usize = 40;
    const LINES: usize = 3;
    /// Eight are in stock per ten that are ordered.
    const STOCKED: (usize, usize) = (8, 10);

    let per_item = |quantity: usize| (quantity * STOCKED.0 / STOCKED.1).max(1);
    let spread = per_item(arguments.orders * LINES / ITEMS);
    let stocks: Vec<usize> =
        (0..ITEMS).map(|n| if arguments.hot && n == 0 { per_item(arguments.orders) } else { spread }).collect();
    let items = MenuItems::add(
        stage,
        "Rush",
        stocks.iter().map(|&stock| (format!("Menu item of the rush, stock {stock}"), 990, stock)),
    )
    .await?;

    let ids: Arc<[String]> = items.ids.clone().into();
    let (hot, orders) = (arguments.hot, arguments.orders);
    let basket = move |n: usize| {
        (n < orders).then(|| {
            let mut random = rand::rng();
            let item = |position: usize, random: &mut rand::rngs::ThreadRng| match position {
                0 if hot => 0,
                _ => random.random_range(0..ITEMS),
            };
            let lines: Vec<_> = (0..LINES)
                .map(|position| json!({ "menu_item_id": ids[item(position, &mut random)], "quantity": 1 }))
                .collect();
            Bytes::from(json!({ "items": lines }).to_string())
        })
    };
    let tally = customers.buy(basket, true).await?;
    report(&tally);
    let totals = Totals::read(stage, customers, &items).await?;
    println!("{totals}");
    items.archive(stage).await?;
    Ok(balanced(stage, &tally, &totals))
}

/// In milliseconds: part of names that can be given only once.
fn moment() -> anyhow::Result<u128> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())
}

fn report(tally: &Tally) {
    let seconds = tally.elapsed.as_secs_f64();
    let responses = tally.latency.len();
    println!("{} placed in {seconds:.2} s: {:.0} orders/s", tally.placed, tally.placed_per_second());
    for (reason, count) in &tally.refusals {
        println!("{count} refused: {reason}");
    }
    let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|quantile| tally.milliseconds(quantile));
    println!("latency of {responses} responses: p50 {p50:.1} ms, p95 {p95:.1} ms, p99 {p99:.1} ms");
}

/// Compares the responses that customers got with the tables, and checks every invariant.
fn balanced(stage: &Stage, tally: &Tally, totals: &Totals) -> bool {
    let agree = tally.placed == totals.orders;
    verdict(agree, &format!("customers got {} orders, the tables hold {}", tally.placed, totals.orders));
    let invariants = stage.comanda.command(&["check"]).status().is_ok_and(|status| status.success());
    agree && invariants
}

fn verdict(holds: bool, what: &str) -> bool {
    println!("{}  {what}", if holds { "holds " } else { "BROKEN" });
    holds
}
