//! `cargo xtask soak`: a steady load for a long time, and whether servers end with the memory and the connections that
//! they had at its beginning.

use std::{
    fs,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_postgres::NoTls;
use uuid::Uuid;

use crate::{
    build::Profile,
    http::{Connection, log_in},
    project::random_secret,
    rush::{menu_items::MenuItems, stage::Stage},
};

#[derive(Args)]
pub struct SoakArguments {
    /// For how long
    #[arg(default_value_t = 30)]
    minutes: u32,
    /// How many orders a second
    #[arg(long, default_value_t = 20)]
    rate: u32,
}

/// How long servers may take to fill their caches and pools.
const SETTLED: Duration = Duration::from_mins(5);
/// How much more memory a server may have at the end: a tenth, and what an allocator keeps.
const TOLERATED: u64 = 16 << 20;

const CUSTOMERS: u32 = 10;

/// What the servers hold.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    /// Of the server that has the most, in bytes.
    memory: u64,
    /// Of all servers.
    descriptors: usize,
    /// To PostgreSQL.
    sessions: i64,
}

pub async fn run(arguments: &SoakArguments) -> anyhow::Result<ExitCode> {
    let length = Duration::from_mins(arguments.minutes.into());
    ensure!(!length.is_zero() && arguments.rate > 0, "for how long, and how much?");
    let stage = Stage::own("soak", Profile::Development, 2)?;
    let items = MenuItems::add(&stage, "Soak", (0..20).map(|n| (format!("Item {n}"), 1000, 1_000_000))).await?;
    let (going_on, mut customers) = (Arc::new(AtomicBool::new(true)), JoinSet::new());
    let pause = Duration::from_secs(1) * CUSTOMERS / arguments.rate;
    for n in 0..CUSTOMERS as usize {
        let address = stage.addresses[n % stage.addresses.len()].clone();
        customers.spawn(visit(address, items.ids.clone(), pause, Arc::clone(&going_on)));
    }

    let (client, connection) = tokio_postgres::connect(stage.database_url()?, NoTls).await?;
    tokio::spawn(connection);
    let (begin, settled) = (Instant::now(), SETTLED.min(length / 2));
    let (mut at_first, mut held) = (None, Held::default());
    println!("{:>8} {:>12} {:>12} {:>12}", "s", "memory MiB", "descriptors", "sessions");
    let every = Duration::from_secs(30).min(length / 10);
    while begin.elapsed() < length && customers.len() == CUSTOMERS as usize {
        tokio::time::sleep(every).await;
        while let Some(ended) = customers.try_join_next() {
            ended?.context("a customer")?;
        }
        held = measure(&stage, &client).await?;
        let elapsed = begin.elapsed();
        let Held { memory, descriptors, sessions } = held;
        println!("{:>8} {:>12} {descriptors:>12} {sessions:>12}", elapsed.as_secs(), memory >> 20);
        if elapsed >= settled && at_first.is_none() {
            at_first = Some(held);
        }
    }
    going_on.store(false, Ordering::SeqCst);
    let mut orders = 0;
    while let Some(visited) = customers.join_next().await {
        orders += visited?.context("a customer")?;
    }
    let first = at_first.context("it has not settled")?;
    println!("{orders} orders; after {settled:?} {first:?}, at the end {held:?}");
    let holds = held.memory <= first.memory + first.memory / 10 + TOLERATED
        && held.descriptors <= first.descriptors + first.descriptors / 10
        && held.sessions <= first.sessions + 2;
    println!("{}  memory and connections stay as they are", if holds { "holds " } else { "BROKEN" });
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A customer who registers, orders, looks at orders and the menu, cancels, signs out and in again, and now and then
/// comes on another connection. Returns how many orders were placed.
async fn visit(address: String, items: Vec<String>, pause: Duration, going_on: Arc<AtomicBool>) -> anyhow::Result<u64> {
    let (email, password) = (format!("{}@comanda.example", Uuid::now_v7().simple()), random_secret());
    let mut connection = Connection::open(&address).await?;
    let account = json!({ "email": email, "password": password, "name": "A customer" });
    connection.post("/v1/users", None, &account).await?.expect(201)?;
    let mut token = log_in(&mut connection, &email, &password).await?;
    let mut orders = 0;
    while going_on.load(Ordering::SeqCst) {
        let item = &items[usize::try_from(orders)? % items.len()];
        let body = json!({ "items": [{ "menu_item_id": item, "quantity": 1 }] });
        let order: Value = connection.post("/v1/orders", Some(&token), &body).await?.expect(201)?;
        orders += 1;
        let id = order["id"].as_str().context("an id")?;
        connection.get(&format!("/v1/orders/{id}"), Some(&token)).await?.expect(200)?;
        connection.get("/v1/menu", None).await?.expect(200)?;
        if orders % 10 == 0 {
            connection.get("/v1/orders?include=items", Some(&token)).await?.expect(200)?;
            connection.post(&format!("/v1/orders/{id}/cancel"), Some(&token), &json!({})).await?.expect(200)?;
        }
        if orders % 50 == 0 {
            connection = Connection::open(&address).await?;
        }
        if orders % 500 == 0 {
            token = log_in(&mut connection, &email, &password).await?;
        }
        tokio::time::sleep(pause).await;
    }
    Ok(orders)
}

async fn measure(stage: &Stage, client: &tokio_postgres::Client) -> anyhow::Result<Held> {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'comanda%'";
    let mut held = Held { sessions: client.query_one(sql, &[]).await?.get(0), ..Held::default() };
    for server in &stage.servers {
        held.memory = held.memory.max(server.resident_memory()?);
        held.descriptors += fs::read_dir(format!("/proc/{}/fd", server.id()))?.count();
    }
    Ok(held)
}
