use std::{
    collections::BTreeMap,
    fmt::Write,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use clap::Args;
use comanda_tests::{FaultyProxy, Weather};
use hyper::body::Bytes;
use serde_json::json;
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    build::Profile,
    http::Connection,
    project,
    rush::{menu_items::MenuItems, stage::Stage},
};

#[derive(Args)]
pub struct OverloadArguments {
    /// How long each measurement takes, in seconds
    #[arg(long, default_value_t = 15)]
    seconds: u64,
}

/// Enough to keep the server busy, and no more.
const CLIENTS: usize = 64;

/// More than a server admits.
const CROWD: usize = 1500;

/// How many times what can be sustained.
const EXCESS: f64 = 3.0;

/// Generator, server and database share the cores of one machine. Were the cores the limit, three times the load would
/// measure how they are shared; so the database is one that takes a few milliseconds per round trip, and batches are
/// small.
pub async fn run(arguments: &OverloadArguments) -> anyhow::Result<ExitCode> {
    ensure!((5..=60).contains(&arguments.seconds), "--seconds must be between 5 and 60");
    let time = Duration::from_secs(arguments.seconds);
    let mut stage = Stage::own("bench", Profile::Release, 0)?;
    let proxy = FaultyProxy::to(stage.database_url()?).await;
    proxy.set(Weather::Delayed(Duration::from_millis(2)));
    let settings = &mut stage.comanda.settings;
    settings.insert("DATABASE_URL".to_owned(), proxy.url.clone());
    settings.insert("PLACEMENT_BATCH".to_owned(), "8".to_owned());
    settings.insert("LOG".to_owned(), "error".to_owned());
    stage.open(1)?;
    let items = MenuItems::add(&stage, "Overload", [("Item".to_owned(), 1000, 1_000_000)]).await?;
    let (_, token) = stage.as_admin().await?;
    let crowd = Crowd {
        address: stage.addresses[0].clone(),
        token: token.into(),
        body: Bytes::from(json!({ "items": [{ "menu_item_id": items.ids[0], "quantity": 1 }] }).to_string()),
    };

    println!("{CLIENTS} clients, as fast as they are served…");
    let peak = crowd.in_turn(time).await?;
    println!("{EXCESS} times that, whether served or not…");
    let excess = crowd.at_rate(peak * EXCESS, time).await?;
    let ratio = excess.good / peak;
    let mut table = String::from("| what | orders placed per second | ratio | to reach |\n| --- | --- | --- | --- |\n");
    writeln!(table, "| peak, {CLIENTS} clients | {peak:.0} | | |")?;
    writeln!(
        table,
        "| {:.0} per second asked for, {EXCESS} times the peak | {:.0} | {ratio:.2} | 0.8 |",
        excess.offered, excess.good
    )?;
    println!("\n{table}\nanswers: {:?}", excess.responses);
    let path = project::root().join("target/bench-overload.md");
    std::fs::write(&path, &table).with_context(|| format!("cannot write {}", path.display()))?;
    stage.servers.clear();
    Ok(ExitCode::SUCCESS)
}

#[derive(Clone)]
struct Crowd {
    address: String,
    token: Arc<str>,
    body: Bytes,
}

struct Excess {
    offered: f64,
    good: f64,
    responses: BTreeMap<u16, u64>,
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^52 here")]
impl Crowd {
    async fn place(&self, connection: &mut Connection) -> anyhow::Result<u16> {
        let key = uuid::Uuid::now_v7().to_string();
        Ok(connection.place_order(&self.token, &key, self.body.clone()).await?.status)
    }

    /// Orders placed per second.
    async fn in_turn(&self, time: Duration) -> anyhow::Result<f64> {
        let (end, mut clients) = (Instant::now() + time, JoinSet::new());
        for _ in 0..CLIENTS {
            let crowd = self.clone();
            clients.spawn(async move {
                let (mut connection, mut placed) = (Connection::open(&crowd.address).await?, 0_u64);
                while Instant::now() < end {
                    placed += u64::from(crowd.place(&mut connection).await? == 201);
                }
                anyhow::Ok(placed)
            });
        }
        let mut placed = 0;
        while let Some(one) = clients.join_next().await {
            placed += one??;
        }
        Ok(placed as f64 / time.as_secs_f64())
    }

    /// An order at every tick, whatever became of those before.
    async fn at_rate(&self, rate: f64, time: Duration) -> anyhow::Result<Excess> {
        let (give_back, mut free) = mpsc::channel(CROWD);
        for _ in 0..CROWD {
            give_back.send(Connection::open(&self.address).await?).await?;
        }
        let responses: Arc<[AtomicU64; 600]> = Arc::new([const { AtomicU64::new(0) }; 600]);
        let (begin, mut asked, mut asking) = (Instant::now(), 0_u64, JoinSet::new());
        while begin.elapsed() < time {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some thousand")]
            let due = (begin.elapsed().as_secs_f64() * rate) as u64;
            while asked < due {
                asked += 1;
                let Ok(mut connection) = free.try_recv() else { continue };
                let (crowd, give_back, responses) = (self.clone(), give_back.clone(), Arc::clone(&responses));
                asking.spawn(async move {
                    let status = match crowd.place(&mut connection).await {
                        Ok(status) => status,
                        // The server has closed a connection that was idle for too long.
                        Err(_) => {
                            connection = Connection::open(&crowd.address).await?;
                            crowd.place(&mut connection).await?
                        }
                    };
                    if begin.elapsed() < time {
                        responses[usize::from(status) % 600].fetch_add(1, Ordering::Relaxed);
                    }
                    give_back.send(connection).await?;
                    anyhow::Ok(())
                });
            }
            while asking.try_join_next().transpose()?.transpose()?.is_some() {}
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        while let Some(one) = asking.join_next().await {
            one??;
        }
        let counted = (0_u16..600).map(|status| (status, responses[usize::from(status)].load(Ordering::Relaxed)));
        let responses: BTreeMap<u16, u64> = counted.filter(|(_, count)| *count > 0).collect();
        let good = responses.get(&201).copied().unwrap_or(0) as f64 / time.as_secs_f64();
        Ok(Excess { offered: asked as f64 / time.as_secs_f64(), good, responses })
    }
}
