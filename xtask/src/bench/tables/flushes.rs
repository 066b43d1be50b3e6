use std::time::Duration;

use crate::bench::{
    demand::Demand,
    ground::Ground,
    page::{figure::Figure, plot::Axes, table::Table},
};

const CUSTOMERS: usize = 32;

/// Orders by the time that PostgreSQL needs for a flush of its log.
pub async fn measure(ground: &mut Ground) -> anyhow::Result<Table> {
    let outcome = measure_delayed(ground).await;
    // For the tables that follow.
    ground.delay_flushes(None).await?;
    outcome
}

async fn measure_delayed(ground: &mut Ground) -> anyhow::Result<Table> {
    let note = "32 customers with one hot dish in every order, on one server and on two. Each flush of PostgreSQL's log \
                takes so many milliseconds more than this disk's, by a library that its processes have loaded \
                (`xtask/disk-shim`). Beside it, pgbench with 32 clients and the same delay; and, with `--baseline`, one \
                server of an earlier version with the same delay.";
    let axes = Axes::new("milliseconds that a flush takes longer", "orders per second").with_reference("pgbench");
    let mut table = Table::new("Orders by flush delay", note).with_axes(axes);
    let mut earlier = match ground.terms.baseline.clone() {
        Some(program) => Some(Ground::of_program(&program, ground.terms.clone()).await?),
        None => None,
    };
    ground.renew(0).await?;
    if let Some(earlier) = &mut earlier {
        earlier.renew(0).await?;
    }
    let delays = ground.terms.points(&[0_u8, 1, 3, 10], &[0, 3]).to_vec();
    let demand = Demand::hot();
    for _ in 0..ground.terms.times() {
        for &delay in &delays {
            let time = Duration::from_millis(delay.into());
            let before = match &mut earlier {
                Some(earlier) => {
                    earlier.delay_flushes(Some(time)).await?;
                    earlier.open(1).await?;
                    let before = earlier.orders(CUSTOMERS, &demand).await?;
                    earlier.stage.open(0)?;
                    Some(before.placed_per_second())
                }
                None => None,
            };
            ground.delay_flushes(Some(time)).await?;
            let reference = ground.pgbench(CUSTOMERS, &demand)?.per_second;
            for (servers, name, least) in [(1, "one server", 1.5), (2, "two servers", 1.4)] {
                ground.open(servers).await?;
                let tally = ground.orders(CUSTOMERS, &demand).await?;
                let figure = Figure::orders(format!("{delay} ms, {name}"), &tally);
                table.record(figure.beside("pgbench", reference).plotted(name, delay.into()))?;
                if let Some(before) = before {
                    let figure = Figure::orders(format!("{delay} ms, {name}, to the baseline"), &tally);
                    let figure = figure.beside("one server of the baseline", before);
                    table.record(if delay == 3 { figure.at_least(least) } else { figure })?;
                }
            }
        }
    }
    if let Some(earlier) = &mut earlier {
        earlier.finish()?;
    }
    Ok(table)
}
