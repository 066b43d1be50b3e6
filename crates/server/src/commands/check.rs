use std::{fmt::Write, process::ExitCode};

use super::print;
use crate::{composition::BackOffice, config::StoreConfig};

pub async fn run(config: &StoreConfig) -> anyhow::Result<ExitCode> {
    let back_office = BackOffice::open(config).await?;
    let findings = comanda_postgres::check_invariants(&back_office.database).await?;
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
