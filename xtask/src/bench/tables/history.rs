use std::time::Duration;

use crate::{
    bench::{
        database,
        demand::Demand,
        ground::Ground,
        page::{figure::Figure, plot::Axes, table::Table},
    },
    fill::{Extent, fill},
};

const CUSTOMERS: usize = 32;

/// Orders by the number of those that were placed before.
pub async fn measure(ground: &mut Ground) -> anyhow::Result<Table> {
    let note = "One server and 32 customers who order three of a thousand dishes each, in databases filled by `cargo \
                xtask fill` with so many orders of two months and all that comes with them. Beside it, the database \
                with the fewest. `--history` chooses the sizes.";
    let mut table = Table::new("Orders by history", note).with_axes(Axes::new("orders before", "orders per second"));
    let mut databases = Vec::new();
    for orders in ground.terms.history() {
        let url = ground.copy(&format!("history_{orders}")).await?;
        fill(&url, orders, Extent::Everything).await?;
        ground.open(1).await?;
        until_summarized(&url).await?;
        until_calm(&url).await?;
        ground.stage.open(0)?;
        database::analyze(&url).await?;
        databases.push((orders, url));
    }
    for _ in 0..ground.terms.times() {
        let mut fewest = None;
        for (orders, url) in &databases {
            ground.stage.open(0)?;
            ground.use_database(url);
            ground.open(1).await?;
            let tally = ground.orders(CUSTOMERS, &Demand::spread()).await?;
            #[expect(clippy::cast_precision_loss, reason = "some millions")]
            let figure = Figure::orders(format!("{orders} orders"), &tally).plotted("32 customers", *orders as f64);
            table.record(match fewest {
                Some(rate) => figure.beside("the fewest", rate).at_least(0.9),
                None => figure,
            })?;
            fewest.get_or_insert(tally.placed_per_second());
        }
    }
    Ok(table)
}

/// Until events that were there before have gone into the reports.
pub async fn until_summarized(url: &str) -> anyhow::Result<()> {
    let client = database::connect(url).await?;
    let sql = "SELECT EXISTS (SELECT FROM outbox_events v, sales_summarized s \
               WHERE (v.transaction_id, v.id) > (s.transaction_id, s.event_id))";
    while client.query_one(sql, &[]).await?.get::<_, bool>(0) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// Until nothing that is past its time was deleted for three seconds.
async fn until_calm(url: &str) -> anyhow::Result<()> {
    let client = database::connect(url).await?;
    let sql = "SELECT coalesce(sum(n_tup_del), 0)::bigint FROM pg_stat_user_tables";
    let (mut deleted, mut calm) = (-1_i64, 0);
    while calm < 3 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = client.query_one(sql, &[]).await?.get(0);
        calm = if now == deleted { calm + 1 } else { 0 };
        deleted = now;
    }
    Ok(())
}
