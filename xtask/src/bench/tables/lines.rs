use crate::bench::{
    demand::{Demand, ITEMS},
    ground::Ground,
    page::{figure::Figure, plot::Axes, table::Table},
};

const CUSTOMERS: usize = 32;

/// Orders by the number of their lines.
pub async fn measure(ground: &mut Ground) -> anyhow::Result<Table> {
    let note = "One server, 32 customers, whose orders have so many lines: spread over a thousand dishes, or with one \
                hot dish in every order. Beside it, pgbench with 32 clients and the same orders.";
    let axes = Axes::new("lines per order", "orders per second").with_reference("pgbench");
    let mut table = Table::new("Orders by lines", note).with_axes(axes);
    ground.renew(1).await?;
    let counts = ground.terms.points(&[1_u16, 3, 10], &[1, 10]).to_vec();
    for _ in 0..ground.terms.times() {
        for (name, dishes) in [("spread", ITEMS), ("one hot dish", 1)] {
            for &lines in &counts {
                let demand = Demand::new(dishes, lines.into());
                let reference = ground.pgbench(CUSTOMERS, &demand)?.per_second;
                let what = format!("{lines} {}, {name}", if lines == 1 { "line" } else { "lines" });
                let figure = Figure::orders(what, &ground.orders(CUSTOMERS, &demand).await?);
                table.record(figure.beside("pgbench", reference).plotted(name, lines.into()))?;
            }
        }
    }
    Ok(table)
}
