use crate::bench::{
    demand::Demand,
    ground::Ground,
    page::{figure::Figure, plot::Axes, table::Table},
};

/// Orders by the number of customers.
pub async fn measure(ground: &mut Ground) -> anyhow::Result<Table> {
    let note = "One server. Every customer orders three dishes as soon as the last order was answered: spread over a \
                thousand dishes, or with one hot dish in every order. Beside it, pgbench with the best single \
                statement for an order, and as many clients as there are customers; 128 customers are compared with \
                its 32 clients, too.";
    let axes = Axes::new("customers", "orders per second").with_reference("pgbench");
    let mut table = Table::new("Orders by customers", note).with_axes(axes);
    ground.renew(1).await?;
    let counts = ground.terms.points(&[1_u16, 2, 4, 8, 16, 32, 64, 128, 256], &[1, 32, 128]).to_vec();
    for _ in 0..ground.terms.times() {
        for (name, demand) in [("spread", Demand::spread()), ("one hot dish", Demand::hot())] {
            let mut of_32 = None;
            for &clients in &counts {
                let reference = ground.pgbench(clients.into(), &demand)?.per_second;
                let tally = ground.orders(clients.into(), &demand).await?;
                let what = format!("{clients} {}, {name}", if clients == 1 { "customer" } else { "customers" });
                let figure = Figure::orders(&what, &tally).plotted(name, clients.into());
                let figure = figure.beside(format!("pgbench, {clients} clients"), reference);
                let least = to_reach(clients, name);
                table.record(match (clients, least) {
                    (32, Some(least)) => figure.at_least(least),
                    _ => figure,
                })?;
                if clients == 32 {
                    of_32 = Some(reference);
                } else if let (Some(of_32), Some(least)) = (of_32, least) {
                    let figure = Figure::orders(format!("{what}, to pgbench with 32"), &tally);
                    table.record(figure.beside("pgbench, 32 clients", of_32).at_least(least))?;
                }
            }
        }
    }
    Ok(table)
}

fn to_reach(clients: u16, name: &str) -> Option<f64> {
    match (clients, name) {
        (32, "spread") => Some(1.5),
        (128, "spread") => Some(2.2),
        (32, _) => Some(8.0),
        (128, _) => Some(12.0),
        _ => None,
    }
}
