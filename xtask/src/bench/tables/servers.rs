use std::{collections::BTreeMap, time::Duration};

use crate::{
    bench::{
        demand::Demand,
        ground::Ground,
        page::{
            figure::{Figure, median},
            plot::Axes,
            table::Table,
        },
    },
    rush::customers::Tally,
};

const CUSTOMERS: usize = 32;
/// In how many short runs two servers keep one pace.
const RUNS: usize = 10;

/// Orders by the number of servers, and whether two of them are treated alike.
pub async fn measure(ground: &mut Ground) -> anyhow::Result<Table> {
    let note = "32 customers, spread evenly over servers on one database and one machine. More servers are compared \
                with one. A server's share is of the even share. The longest wait is that of any order of two servers, \
                beside the median of the two servers' p99. A run keeps the pace when it is within a fifth of the \
                median of ten runs of a second each.";
    let axes = Axes::new("servers", "orders per second");
    let mut table = Table::new("Orders by servers", note).with_axes(axes);
    ground.renew(1).await?;
    let counts = ground.terms.points(&[1_u8, 2, 4], &[1, 2]).to_vec();
    for _ in 0..ground.terms.times() {
        let mut alone = BTreeMap::new();
        for &servers in &counts {
            ground.open(servers.into()).await?;
            for (name, demand, least) in [("spread", Demand::spread(), 1.0), ("one hot dish", Demand::hot(), 0.95)] {
                let by_server = ground.serve(CUSTOMERS, &demand, ground.terms.window()).await?;
                let tally = Tally::sum(by_server.values())?;
                let what = format!("{servers} {}, {name}", if servers == 1 { "server" } else { "servers" });
                let rate = tally.placed_per_second();
                let figure = Figure::orders(&what, &tally).plotted(name, servers.into());
                let one = *alone.entry(name).or_insert(rate);
                table.record(match servers {
                    1 => figure,
                    2 => figure.beside("one server", one).at_least(least),
                    _ => figure.beside("one server", one),
                })?;
                if servers == 2 {
                    table.record(Figure::new(format!("{what}, p99"), "ms", tally.milliseconds(0.99)).at_most(25.0))?;
                    record_fairness(&mut table, name, &by_server, rate)?;
                }
            }
        }
        ground.open(2).await?;
        for (name, demand) in [("spread", Demand::spread()), ("one hot dish", Demand::hot())] {
            record_pace(&mut table, ground, name, &demand).await?;
        }
    }
    Ok(table)
}

fn record_fairness(
    table: &mut Table,
    name: &str,
    by_server: &BTreeMap<String, Tally>,
    rate: f64,
) -> anyhow::Result<()> {
    let mut p99s = Vec::new();
    for (n, tally) in by_server.values().enumerate() {
        let what = format!("the {} of 2 servers, {name}", if n == 0 { "first" } else { "second" });
        table.record(Figure::orders(what, tally).beside("the even share", rate / 2.0))?;
        p99s.push(tally.milliseconds(0.99));
    }
    let longest = by_server.values().map(|tally| tally.milliseconds(1.0)).fold(0.0, f64::max);
    let p99 = p99s.iter().sum::<f64>() / 2.0;
    table.record(Figure::new(format!("the longest wait, {name}"), "ms", longest).beside("p99", p99).at_most(3.0))
}

async fn record_pace(table: &mut Table, ground: &Ground, name: &str, demand: &Demand) -> anyhow::Result<()> {
    let mut rates = Vec::new();
    for _ in 0..RUNS {
        let tallies = ground.serve(CUSTOMERS, demand, Duration::from_secs(1)).await?;
        rates.push(Tally::sum(tallies.values())?.placed_per_second());
    }
    let usual = median(&rates)?;
    let slowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
    #[expect(clippy::cast_precision_loss, reason = "ten")]
    let alike = rates.iter().filter(|rate| (*rate / usual - 1.0).abs() <= 0.2).count() as f64;
    table
        .record(Figure::new(format!("2 servers, runs of {RUNS} at one pace, {name}"), "runs", alike).at_least(10.0))?;
    table.record(Figure::new(format!("the slowest run, {name}"), "orders/s", slowest).beside("the median", usual))
}
