use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use comanda_tests::{Client, EventStream, Told};
use hdrhistogram::Histogram;
use serde_json::json;
use tokio::{task::JoinSet, time};
use uuid::Uuid;

use super::memory::most_memory;
use crate::{
    bench::{
        demand::Demand,
        ground::Ground,
        page::{figure::Figure, table::Table},
    },
    http::Connection,
};

const CUSTOMERS: usize = 32;
/// Orders per second that the kitchen sees.
const PACE: u32 = 500;
const STREAMS: usize = 500;
/// Whatever has not come by then does not come.
const LATEST: Duration = Duration::from_secs(10);
const BOARD: &str = "/v1/kitchen/events";

/// How soon the kitchen sees an order, and what it costs that many watch.
pub async fn measure(ground: &mut Ground) -> anyhow::Result<Table> {
    let settings = ground.stage.comanda.settings.clone();
    let outcome = measure_watched(ground).await;
    // For the tables that follow.
    ground.stage.comanda.settings = settings;
    outcome
}

async fn measure_watched(ground: &mut Ground) -> anyhow::Result<Table> {
    let note = "One server. The time from sending an order to its ticket on a board that watches the whole kitchen, \
                with 500 orders of three dishes per second and `ACCEPT_ORDERS=always`. Then what 32 customers place \
                while 500 streams are open, each of which watches an order, compared with none; and the most memory \
                that a server has had in either case.";
    let mut table = Table::new("Who watches", note);
    ground.renew(1).await?;
    let (mut admin, token) = ground.stage.as_admin().await?;
    let item = admin.get(&format!("/v1/menu/items/{}", ground.kitchen.ids()[0]), Some(&token)).await?.expect(200)?;
    let station = json!({ "name": "Bench", "categories": [item["category"]] });
    admin.post("/v1/kitchen/stations", Some(&token), &station).await?.expect(201)?;
    ground.stage.comanda.settings.insert("STREAMS_PER_ACCOUNT".to_owned(), "1000".to_owned());
    for _ in 0..ground.terms.times() {
        ground.stage.comanda.settings.insert("ACCEPT_ORDERS".to_owned(), "always".to_owned());
        ground.open(1).await?;
        let latency = order_to_board(ground, &token).await?;
        #[expect(clippy::cast_precision_loss, reason = "a minute in microseconds fits")]
        let milliseconds = |quantile| latency.value_at_quantile(quantile) as f64 / 1000.0;
        table.record(Figure::new("order to board, p50", "ms", milliseconds(0.5)))?;
        table.record(Figure::new("order to board, p99", "ms", milliseconds(0.99)).at_most(500.0))?;

        ground.stage.comanda.settings.remove("ACCEPT_ORDERS");
        let demand = Demand::spread();
        ground.open(1).await?;
        let alone = ground.orders(CUSTOMERS, &demand).await?.placed_per_second();
        let memory = most_memory(ground)?;
        ground.open(1).await?;
        let watching = watch(ground).await?;
        let watched = ground.orders(CUSTOMERS, &demand).await?;
        table.record(Figure::orders("orders, with 500 streams", &watched).beside("none", alone).at_least(0.95))?;
        let figure = Figure::new("memory, with 500 streams", "MiB", most_memory(ground)?);
        table.record(figure.more_than("none", memory).at_most(30.0))?;
        ensure!(watching.len() == STREAMS, "streams have ended");
    }
    Ok(table)
}

/// Orders at an even pace; returns the microseconds until each was on the board.
async fn order_to_board(ground: &Ground, token: &str) -> anyhow::Result<Histogram<u64>> {
    let staff = Client::anonymous(&format!("http://{}", ground.stage.addresses[0])).with_token(token);
    let mut board = EventStream::try_open(&staff, BOARD, None).await.context("the kitchen cannot be watched")?;
    ensure!(matches!(board.event().await, Told::Event { .. }), "the board begins with a snapshot");
    let seconds = u32::try_from(ground.terms.seconds())?;
    let begin = Instant::now();
    let mut ordering = JoinSet::new();
    for (number, (address, token)) in (0..).zip(ground.customers(CUSTOMERS)?.sessions()) {
        let kitchen = ground.kitchen.clone();
        ordering.spawn(async move {
            let mut connection = Connection::open(&address).await?;
            let (demand, mut sent) = (Demand::spread(), Vec::new());
            for turn in (number..PACE * seconds).step_by(CUSTOMERS) {
                time::sleep_until((begin + Duration::from_secs(1) * turn / PACE).into()).await;
                let (key, at) = (Uuid::now_v7().to_string(), Instant::now());
                let order = connection.place_order(&token, &key, kitchen.basket(&demand)).await?.expect(201)?;
                sent.push((order["id"].as_str().context("an id")?.to_owned(), at));
            }
            anyhow::Ok(sent)
        });
    }
    let orders = usize::try_from(PACE * seconds)?;
    let mut shown = HashMap::new();
    while shown.len() < orders {
        let told = time::timeout(LATEST, board.event()).await;
        match told.with_context(|| format!("the board shows {} of {orders} orders", shown.len()))? {
            Told::Event { name, data, .. } if name == "ticket" => {
                shown.insert(data["order_id"].as_str().context("an order")?.to_owned(), Instant::now());
            }
            told => anyhow::bail!("the board was told {told:?}"),
        }
    }
    let mut latency = Histogram::new_with_bounds(1, 60_000_000, 3).context("a histogram")?;
    while let Some(sent) = ordering.join_next().await {
        for (order, at) in sent?? {
            let shown = shown.get(&order).with_context(|| format!("{order} was not shown"))?;
            latency.saturating_record(u64::try_from(shown.duration_since(at).as_micros())?);
        }
    }
    Ok(latency)
}

/// Opens streams that are read until they are dropped, of an order each.
async fn watch(ground: &Ground) -> anyhow::Result<JoinSet<()>> {
    let mut watching = JoinSet::new();
    let customers: Vec<_> = ground.customers(CUSTOMERS)?.sessions().collect();
    for (address, token) in customers.iter().cycle().take(STREAMS) {
        let mut connection = Connection::open(address).await?;
        let basket = ground.kitchen.basket(&Demand::spread());
        let order = connection.place_order(token, &Uuid::now_v7().to_string(), basket).await?.expect(201)?;
        let path = format!("/v1/orders/{}/events", order["id"].as_str().context("an id")?);
        let client = Client::anonymous(&format!("http://{address}")).with_token(token);
        let mut stream = EventStream::try_open(&client, &path, None).await.context("an order cannot be watched")?;
        watching.spawn(async move { while stream.next().await != Told::End {} });
    }
    Ok(watching)
}
