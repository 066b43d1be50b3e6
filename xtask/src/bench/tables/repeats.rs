use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use anyhow::{Context, ensure};
use hyper::body::Bytes;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    bench::{
        demand::Demand,
        ground::Ground,
        page::{figure::Figure, table::Table},
    },
    http::Connection,
    rush::customers::Tally,
};

const CUSTOMERS: usize = 32;
/// Of the one who repeats.
const CONNECTIONS: usize = 4;
/// How often a key is sent.
const REPEATS: u64 = 200;

/// Whether a customer who repeats keys slows others down.
pub async fn measure(ground: &mut Ground) -> anyhow::Result<Table> {
    let note = "One server and 32 customers, of whom 31 order three dishes without pause. The last one, on four \
                connections, sends the same order with the same key as fast as they answer, two hundred times, and \
                then the next. Beside it, the rate of the 31 while the last one sends every order with a key of its \
                own.";
    let mut table = Table::new("A customer who repeats keys", note);
    ground.renew(1).await?;
    for _ in 0..ground.terms.times() {
        for (name, demand) in [("spread", Demand::spread()), ("one hot dish", Demand::hot())] {
            let (without, _) = beside(ground, &demand, 1).await?;
            let (with, requests) = beside(ground, &demand, REPEATS).await?;
            let figure = Figure::orders(format!("the other 31, {name}"), &with);
            table.record(figure.beside("without repeating", without.placed_per_second()).at_least(0.9))?;
            table.record(Figure::new(format!("requests of the one who repeats, {name}"), "requests/s", requests))?;
        }
    }
    Ok(table)
}

/// What others get beside a customer who sends each key so often, and how many requests that one sends
/// per second.
async fn beside(ground: &Ground, demand: &Demand, repeats: u64) -> anyhow::Result<(Tally, f64)> {
    let everybody = ground.customers(CUSTOMERS)?;
    let (address, token) = everybody.sessions().last().context("nobody")?;
    let body = ground.kitchen.basket(demand);
    let sender = Arc::new(Sender { address, token, body, key: Uuid::now_v7(), sent: AtomicU64::new(0), repeats });
    let (mut sending, end) = (JoinSet::new(), Instant::now() + ground.terms.window());
    for _ in 0..CONNECTIONS {
        sending.spawn(Arc::clone(&sender).send_until(end));
    }
    let tally = ground.orders(CUSTOMERS - 1, demand).await?;
    while let Some(sent) = sending.join_next().await {
        sent??;
    }
    #[expect(clippy::cast_precision_loss, reason = "some thousand")]
    let requests = sender.sent.load(Ordering::Relaxed) as f64 / ground.terms.window().as_secs_f64();
    Ok((tally, requests))
}

struct Sender {
    address: String,
    token: String,
    body: Bytes,
    /// What all keys begin with.
    key: Uuid,
    sent: AtomicU64,
    repeats: u64,
}

impl Sender {
    async fn send_until(self: Arc<Self>, end: Instant) -> anyhow::Result<()> {
        let mut connection = Connection::open(&self.address).await?;
        while Instant::now() < end {
            let key = format!("{}-{}", self.key, self.sent.fetch_add(1, Ordering::Relaxed) / self.repeats);
            let response = connection.place_order(&self.token, &key, self.body.clone()).await?;
            // 409: another connection's order with this key is still being placed.
            ensure!(matches!(response.status, 201 | 409), "a repeated key got {}", response.status);
        }
        Ok(())
    }
}
