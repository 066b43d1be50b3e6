use anyhow::Context;

use crate::bench::{
    demand::Demand,
    ground::Ground,
    page::{figure::Figure, table::Table},
};

/// The most memory a server has had.
pub async fn measure(ground: &mut Ground) -> anyhow::Result<Table> {
    let note = "One server, started anew for each figure; the most memory it has had (`VmHWM`) after 128 customers \
                ordered three of a thousand dishes each, as fast as they could.";
    let mut table = Table::new("Memory", note);
    ground.renew(0).await?;
    for _ in 0..ground.terms.times() {
        ground.open(1).await?;
        ground.orders(128, &Demand::spread()).await?;
        table.record(Figure::new("under 128 customers", "MiB", most_memory(ground)?).at_most(64.0))?;
    }
    Ok(table)
}

/// The most that the first server has had, in MiB.
pub fn most_memory(ground: &Ground) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", ground.stage.servers[0].id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}
