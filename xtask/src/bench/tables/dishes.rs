use crate::bench::{
    demand::Demand,
    ground::Ground,
    page::{figure::Figure, plot::Axes, table::Table},
};

const CUSTOMERS: usize = 32;

/// Orders by the number of dishes that everybody wants.
pub async fn measure(ground: &mut Ground) -> anyhow::Result<Table> {
    let note = "One server, 32 customers. The first of three lines is one of so many dishes, the other two are each \
                one of 333 others. Beside it, pgbench with 32 clients and the same orders.";
    let axes = Axes::new("dishes of which each order has one", "orders per second").with_reference("pgbench");
    let mut table = Table::new("Orders by dishes", note).with_axes(axes);
    ground.renew(1).await?;
    let counts = ground.terms.points(&[1_u16, 3, 10, 33, 100, 333], &[1, 333]).to_vec();
    for _ in 0..ground.terms.times() {
        for &dishes in &counts {
            let demand = Demand::new(dishes.into(), 3);
            let reference = ground.pgbench(CUSTOMERS, &demand)?.per_second;
            let figure = Figure::orders(format!("one of {dishes}"), &ground.orders(CUSTOMERS, &demand).await?);
            table.record(figure.beside("pgbench", reference).plotted("32 customers", dishes.into()))?;
        }
    }
    Ok(table)
}
