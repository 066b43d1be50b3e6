use std::{
    fmt::Write,
    process::ExitCode,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, ensure};
use clap::Args;
use hdrhistogram::Histogram;
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio_postgres::NoTls;

use crate::{
    build::Profile,
    http::Connection,
    project,
    receiver::Receiver,
    rush::{customers::Customers, menu_items::MenuItems, stage::Stage},
};

#[derive(Args)]
pub struct OutboxArguments {
    /// How long each measurement takes, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

const CLIENTS: usize = 32;
/// Orders per second while the lag is measured.
const STEADY: u64 = 500;
/// How many orders have piled up when the rate is measured.
const PILE: usize = 20_000;

pub async fn run(arguments: &OutboxArguments) -> anyhow::Result<ExitCode> {
    ensure!((3..=60).contains(&arguments.seconds), "--seconds must be between 3 and 60");
    let time = Duration::from_secs(arguments.seconds);
    let sink = Sink::open()?;
    let mut stage = Stage::own("bench", Profile::Release, 0)?;
    // No other receiver.
    stage.comanda.settings.remove("MAIL_FOLDER");
    stage.comanda.settings.insert("LOG".to_owned(), "error".to_owned());
    let alone = stage.comanda.settings.clone();
    let mut delivering = alone.clone();
    delivering.extend(sink.settings.clone());

    stage.comanda.settings.clone_from(&delivering);
    stage.open(1)?;
    until_subscribed(&stage).await?;
    let items = MenuItems::add(&stage, "Outbox", (0..20).map(|n| (format!("Item {n}"), 1000, 1_000_000))).await?;

    println!("{CLIENTS} clients order, with and without deliveries, alternating…");
    let (mut with, mut without) = (0.0, 0.0);
    for _ in 0..2 {
        for (rate, settings) in [(&mut without, &alone), (&mut with, &delivering)] {
            stage.comanda.settings.clone_from(settings);
            stage.open(1)?;
            *rate += orders_per_second(&stage, &items, time / 2).await? / 2.0;
        }
    }

    println!("{PILE} orders pile up, and are delivered…");
    stage.comanda.settings.clone_from(&delivering);
    stage.open(1)?;
    until_delivered(&stage).await?;
    stage.comanda.settings.clone_from(&alone);
    stage.open(1)?;
    let customers = Customers::sign_up(&stage.addresses, CLIENTS).await?;
    let ids = items.ids.clone();
    customers.buy(move |n| (n < PILE).then(|| basket(&ids[n % ids.len()])), false).await?;
    let before = sink.count();
    stage.comanda.settings.clone_from(&delivering);
    stage.open(1)?;
    let begin = Instant::now();
    until_delivered(&stage).await?;
    #[expect(clippy::cast_precision_loss, reason = "some thousand")]
    let rate = (sink.count() - before) as f64 / begin.elapsed().as_secs_f64();

    println!("{STEADY} orders per second…");
    sink.forget();
    steadily(&stage, &items, time).await?;
    until_delivered(&stage).await?;
    let lag = sink.lag();

    let mut table = String::from("| what | measured | beside | ratio | to reach |\n| --- | --- | --- | --- | --- |\n");
    writeln!(table, "| events delivered to a local sink | {rate:.0}/s | | | 2000/s |")?;
    writeln!(
        table,
        "| from the order to its delivery, at {STEADY} orders/s, p99 | {} ms | {} events | | 1000 ms |",
        lag.value_at_quantile(0.99),
        lag.len()
    )?;
    writeln!(
        table,
        "| orders/s of {CLIENTS} clients during deliveries | {with:.0} | without, {without:.0} | {:.2} | 0.9 |",
        with / without
    )?;
    println!("\n{table}");
    let path = project::root().join("target/bench-outbox.md");
    std::fs::write(&path, &table).with_context(|| format!("cannot write {}", path.display()))?;
    stage.servers.clear();
    Ok(ExitCode::SUCCESS)
}

fn basket(item: &str) -> Bytes {
    Bytes::from(json!({ "items": [{ "menu_item_id": item, "quantity": 1 }] }).to_string())
}

async fn orders_per_second(stage: &Stage, items: &MenuItems, time: Duration) -> anyhow::Result<f64> {
    let customers = Customers::sign_up(&stage.addresses, CLIENTS).await?;
    let (ids, end) = (items.ids.clone(), Instant::now() + time);
    let tally = customers.buy(move |n| (Instant::now() < end).then(|| basket(&ids[n % ids.len()])), false).await?;
    Ok(tally.placed_per_second())
}

/// An order at every tick.
async fn steadily(stage: &Stage, items: &MenuItems, time: Duration) -> anyhow::Result<()> {
    let (_, token) = stage.as_admin().await?;
    let token: Arc<str> = token.into();
    let mut clients = tokio::task::JoinSet::new();
    for n in 0..8_u64 {
        let (address, token, item) = (stage.addresses[0].clone(), Arc::clone(&token), items.ids[0].clone());
        clients.spawn(async move {
            let mut connection = Connection::open(&address).await?;
            let mut tick = tokio::time::interval(Duration::from_micros(8 * 1_000_000 / STEADY));
            let end = Instant::now() + time;
            while Instant::now() < end {
                tick.tick().await;
                let key = format!("steady-{n}-{}", uuid::Uuid::now_v7());
                connection.place_order(&token, &key, basket(&item)).await?.expect(201)?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    Ok(())
}

async fn query(stage: &Stage, sql: &str) -> anyhow::Result<bool> {
    let (client, connection) = tokio_postgres::connect(stage.database_url()?, NoTls).await?;
    tokio::spawn(connection);
    Ok(client.query_one(sql, &[]).await?.get(0))
}

async fn until_subscribed(stage: &Stage) -> anyhow::Result<()> {
    while !query(stage, "SELECT EXISTS (SELECT FROM outbox_subscribers)").await? {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn until_delivered(stage: &Stage) -> anyhow::Result<()> {
    let sql = "SELECT NOT EXISTS (SELECT FROM outbox_events v, outbox_subscribers s \
               WHERE (v.transaction_id, v.id) > (s.transaction_id, s.event_id)) \
               AND NOT EXISTS (SELECT FROM outbox_retries)";
    while !query(stage, sql).await? {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// A webhook receiver, on a thread of low priority: in production it is another machine.
struct Sink {
    /// Of servers that deliver to it.
    settings: [(String, String); 3],
    lags: Arc<Mutex<Histogram<u64>>>,
    count: Arc<AtomicU64>,
}

impl Sink {
    fn open() -> anyhow::Result<Self> {
        let receiver = Receiver::bind()?;
        let settings = receiver.settings("sink");
        let lags = Arc::new(Mutex::new(Histogram::new_with_bounds(1, 3_600_000, 3)?));
        let count = Arc::new(AtomicU64::new(0));
        let (recorded, counted) = (Arc::clone(&lags), Arc::clone(&count));
        let take = move |body: &Bytes| {
            record(&recorded, body);
            counted.fetch_add(1, Ordering::Relaxed);
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::spawn(move || {
            if let Err(error) = rustix::process::setpriority_process(None, 19) {
                eprintln!("xtask: the sink cannot lower its priority: {error}");
            }
            if let Err(error) = runtime.block_on(receiver.serve(take)) {
                eprintln!("xtask: the sink takes no more events: {error}");
            }
        });
        Ok(Self { settings, lags, count })
    }

    fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    fn forget(&self) {
        self.lags.lock().unwrap_or_else(std::sync::PoisonError::into_inner).reset();
    }

    fn lag(&self) -> Histogram<u64> {
        self.lags.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

/// Records the milliseconds since the event's time.
fn record(lags: &Mutex<Histogram<u64>>, body: &[u8]) {
    let event: Option<Value> = serde_json::from_slice(body).ok();
    let time = event.and_then(|event| event["time"].as_str()?.parse::<chrono::DateTime<chrono::Utc>>().ok());
    let (Some(time), Ok(now)) = (time, SystemTime::now().duration_since(UNIX_EPOCH)) else { return };
    let lag = u64::try_from(now.as_millis()).unwrap_or(0).saturating_sub(time.timestamp_millis().unsigned_abs());
    lags.lock().unwrap_or_else(std::sync::PoisonError::into_inner).saturating_record(lag.max(1));
}
