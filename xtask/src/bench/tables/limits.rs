use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    bench::{
        demand::Demand,
        ground::Ground,
        kitchen::Kitchen,
        page::{figure::Figure, table::Table},
    },
    http::Connection,
};

const CUSTOMERS: usize = 128;
const LIMITS: [&str; 3] = ["ORDER_LIMIT_OPEN", "ORDER_LIMIT_PORTIONS", "ORDER_LIMIT_PER_MINUTE"];

/// What limits on orders cost.
pub async fn measure(ground: &mut Ground) -> anyhow::Result<Table> {
    let settings = ground.stage.comanda.settings.clone();
    let outcome = measure_limited(ground).await;
    // For the tables that follow.
    ground.stage.comanda.settings = settings;
    outcome
}

async fn measure_limited(ground: &mut Ground) -> anyhow::Result<Table> {
    let note = "One server and 128 customers, each of whom places an order of three dishes and cancels it, over and \
                over. `ORDER_LIMIT_OPEN` and `ORDER_LIMIT_PORTIONS` are what they are by default, and \
                `ORDER_LIMIT_PER_MINUTE` is more than anybody attempts, but not 0. Beside it, all three are 0.";
    let mut table = Table::new("Limits on orders", note);
    ground.renew(0).await?;
    let without = ground.stage.comanda.settings.clone();
    let mut with = without.clone();
    with.retain(|name, _| !LIMITS.contains(&name.as_str()));
    with.insert("ORDER_LIMIT_PER_MINUTE".to_owned(), "1000000000".to_owned());
    for _ in 0..ground.terms.times() {
        ground.stage.comanda.settings.clone_from(&without);
        let unlimited = placed_and_cancelled(ground).await?;
        ground.stage.comanda.settings.clone_from(&with);
        let limited = placed_and_cancelled(ground).await?;
        table.record(Figure::new("orders placed and cancelled", "orders/s", limited).beside("no limits", unlimited))?;
    }
    Ok(table)
}

/// Per second, on a server of its own. Nobody has ordered before, so that no more than one order is open.
async fn placed_and_cancelled(ground: &mut Ground) -> anyhow::Result<f64> {
    ground.stage.open(1)?;
    let window = ground.terms.window();
    let mut visits = JoinSet::new();
    // A second to get warm.
    let begin = Instant::now() + Duration::from_secs(1);
    for (address, token) in ground.customers(CUSTOMERS)?.sessions() {
        visits.spawn(visit(address, token, Arc::clone(&ground.kitchen), begin, begin + window));
    }
    let mut orders = 0;
    while let Some(visited) = visits.join_next().await {
        orders += visited??;
    }
    Ok(f64::from(orders) / window.as_secs_f64())
}

/// How many orders were placed and cancelled from a beginning to an end.
async fn visit(
    address: String,
    token: String,
    kitchen: Arc<Kitchen>,
    begin: Instant,
    end: Instant,
) -> anyhow::Result<u32> {
    let mut connection = Connection::open(&address).await?;
    let (demand, mut orders) = (Demand::spread(), 0);
    while Instant::now() < end {
        let key = Uuid::now_v7().to_string();
        let order = connection.place_order(&token, &key, kitchen.basket(&demand)).await?.expect(201)?;
        let id = order["id"].as_str().context("an id")?;
        connection.post(&format!("/v1/orders/{id}/cancel"), Some(&token), &json!({})).await?.expect(200)?;
        orders += u32::from(Instant::now() >= begin);
    }
    Ok(orders)
}
