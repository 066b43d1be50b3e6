use std::{fmt::Write, process::ExitCode};

use comanda_postgres::Finding;
use serde_json::json;

use super::{Format, print, print_json};
use crate::{app, config::StoreConfig};

#[derive(clap::Args)]
pub struct Check {
    #[command(flatten)]
    format: Format,
}

impl Check {
    pub async fn run(self, config: &StoreConfig) -> anyhow::Result<ExitCode> {
        let database = app::open_database(config).await?;
        let findings = comanda_postgres::check_invariants(&database).await?;
        match self.format.json {
            true => print_json(&document(&findings))?,
            false => print(&report(&findings)?)?,
        }
        Ok(if is_sound(&findings) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn is_sound(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.violations.is_empty())
}

fn report(findings: &[Finding]) -> anyhow::Result<String> {
    let mut report = String::new();
    for finding in findings {
        let verdict = if finding.violations.is_empty() { "holds " } else { "BROKEN" };
        writeln!(report, "{verdict}  {}", finding.invariant.rule)?;
        for violation in &finding.violations {
            writeln!(report, "        {violation}")?;
        }
    }
    Ok(report)
}

fn document(findings: &[Finding]) -> serde_json::Value {
    let invariant = |finding: &Finding| {
        json!({
            "rule": finding.invariant.rule,
            "holds": finding.violations.is_empty(),
            "violations": finding.violations,
        })
    };
    json!({ "sound": is_sound(findings), "invariants": findings.iter().map(invariant).collect::<Vec<_>>() })
}
