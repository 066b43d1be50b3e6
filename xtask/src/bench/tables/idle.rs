use crate::bench::{
    demand::Demand,
    ground::Ground,
    page::{figure::Figure, table::Table},
};

/// What HTTP, sign-in, idempotency and everything else cost somebody who orders alone.
pub async fn measure(ground: &mut Ground) -> anyhow::Result<Table> {
    let note = "One server and one customer, who orders three dishes, one order after the other. Beside it, the mean \
                time of the single statement, by pgbench with one client.";
    let mut table = Table::new("One idle customer", note);
    ground.renew(1).await?;
    let demand = Demand::spread();
    for _ in 0..ground.terms.times() {
        let alone = ground.pgbench(1, &demand)?.mean_milliseconds;
        let p50 = ground.orders(1, &demand).await?.milliseconds(0.5);
        table.record(Figure::new("an order, p50", "ms", p50).more_than("the statement", alone).at_most(0.35))?;
    }
    Ok(table)
}
