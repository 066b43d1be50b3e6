use std::{fmt::Write, process::ExitCode};

use super::print;
use crate::{app, config::StoreConfig};

pub async fn run(config: &StoreConfig) -> anyhow::Result<ExitCode> {
    let database = app::open_database(config).await?;
    let findings = comanda_postgres::check_invariants(&database).await?;
    let mut report = String::new();
    for finding in &findings {
        let verdict = if finding.violations.is_empty() { "holds " } else { "BROKEN" };
        writeln!(report, "{verdict}  {}", finding.invariant.rule)?;
        for violation in &finding.violations {
            writeln!(report, "        {violation}")?;
        }
    }
    print(&report)?;
    let sound = findings.iter().all(|finding| finding.violations.is_empty());
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
