use anyhow::ensure;
use hyper::body::Bytes;
use rand::RngExt;
use serde_json::json;

use crate::{
    bench::{
        ground::Ground,
        page::{figure::Figure, table::Table},
    },
    rush::{customers::Tally, menu_items::MenuItems},
};

const CUSTOMERS: usize = 32;
const DISHES: usize = 40;
const LINES: usize = 3;

/// Whether dishes that sell out make everybody wait.
pub async fn measure(ground: &mut Ground) -> anyhow::Result<Table> {
    let orders = if ground.terms.quick { 1000 } else { 5000 };
    let note = format!(
        "One server and 32 customers, who attempt {orders} orders of three of forty dishes: of each, eight are in \
         stock per ten that are wanted. Beside it, the same with enough of everything. p99 is of all answers, refusals \
         included."
    );
    let mut table = Table::new("Dishes that sell out", &note);
    ground.renew(1).await?;
    for _ in 0..ground.terms.times() {
        let wanted = orders * LINES / DISHES;
        let enough = rush(ground, orders, wanted * 10).await?;
        ensure!(enough.refusals.is_empty(), "orders were refused: {:?}", enough.refusals);
        let short = rush(ground, orders, wanted * 8 / 10).await?;
        let refusals = &short.refusals;
        ensure!(refusals.keys().eq(["409 insufficient-stock"]), "dishes should sell out: {refusals:?}");
        table.record(Figure::orders("orders placed, with enough of everything", &enough))?;
        table.record(Figure::orders("orders placed, dishes selling out", &short))?;
        let figure = Figure::new("p99, dishes selling out", "ms", short.milliseconds(0.99));
        table.record(figure.beside("with enough", enough.milliseconds(0.99)).at_most(1.2))?;
    }
    Ok(table)
}

async fn rush(ground: &Ground, orders: usize, stock: usize) -> anyhow::Result<Tally> {
    let dishes = (0..DISHES).map(|n| (format!("Dish {n}"), 990, stock));
    let ids = MenuItems::add(&ground.stage, "Rush", dishes).await?.ids;
    let basket = move |n| {
        (n < orders).then(|| {
            let line = |_| json!({ "menu_item_id": ids[rand::rng().random_range(0..DISHES)], "quantity": 1 });
            Bytes::from(json!({ "items": (0..LINES).map(line).collect::<Vec<_>>() }).to_string())
        })
    };
    ground.customers(CUSTOMERS)?.buy(basket, false).await
}
