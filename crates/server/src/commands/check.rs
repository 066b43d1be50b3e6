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
        let ways = comanda_postgres::ways_to_change_the_audit_log(&database).await?;
        match self.format.json {
            true => print_json(&document(&findings, &ways))?,
            false => print(&report(&findings, &ways)?)?,
        }
        Ok(if is_sound(&findings) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn is_sound(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.violations.is_empty())
}

/// What holds of a deployment that separates the two roles. It is no invariant: in development one role does.
const SEPARATION: &str = "the audit log belongs to a database role other than the server's";

fn report(findings: &[Finding], ways: &[String]) -> anyhow::Result<String> {
    let mut report = String::new();
    for finding in findings {
        let verdict = if finding.violations.is_empty() { "holds " } else { "BROKEN" };
        writeln!(report, "{verdict}  {}", finding.invariant.rule)?;
        for violation in &finding.violations {
            writeln!(report, "        {violation}")?;
        }
    }
    let verdict = if ways.is_empty() { "holds " } else { "NOTICE" };
    writeln!(report, "{verdict}  {SEPARATION}")?;
    for way in ways {
        writeln!(report, "        {way}")?;
    }
    Ok(report)
}

fn document(findings: &[Finding], ways: &[String]) -> serde_json::Value {
    let invariant = |finding: &Finding| {
        json!({
            "rule": finding.invariant.rule,
            "holds": finding.violations.is_empty(),
            "violations": finding.violations,
        })
    };
    let notices: Vec<_> = match ways {
        [] => Vec::new(),
        ways => vec![json!({ "rule": SEPARATION, "violations": ways })],
    };
    json!({
        "sound": is_sound(findings),
        "invariants": findings.iter().map(invariant).collect::<Vec<_>>(),
        "notices": notices,
    })
}
