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
        let mut findings = comanda_postgres::check_invariants(&database).await?;
        findings.push(comanda_postgres::check_guards(&database).await?);
        let ways = comanda_postgres::ways_to_change_the_audit_log(&database).await?;
        let gap = comanda_postgres::gap_in_sight_of_sessions(&database).await?;
        let twins = comanda_postgres::twins_of_addresses(&database).await?;
        let gap_in_texts = comanda_postgres::gap_in_texts(&database).await?;
        let notices = [
            Notice { rule: SEPARATION, violations: ways },
            Notice { rule: SIGHT, violations: Vec::from_iter(gap) },
            Notice { rule: NO_TWINS, violations: twins },
            Notice { rule: TEXTS, violations: Vec::from_iter(gap_in_texts) },
        ];
        match self.format.json {
            true => print_json(&document(&findings, &notices))?,
            false => print(&report(&findings, &notices)?)?,
        }
        Ok(if is_sound(&findings) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn is_sound(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.violations.is_empty())
}

/// What holds of a deployment that separates the two roles. It is no invariant: in development one role does.
const SEPARATION: &str = "the audit log belongs to a database role other than the server's";

/// Without it, transactions that other roles leave open are not found.
const SIGHT: &str = "the server's database role sees the sessions of all roles";

/// Addresses that were stored before they had one form.
const NO_TWINS: &str = "no two accounts have addresses that are one when they are typed";

/// Without it, searches find names of some scripts only.
const TEXTS: &str = "the database stores and searches texts of all scripts";

/// What need not hold, and why it does not.
struct Notice {
    rule: &'static str,
    violations: Vec<String>,
}

fn report(findings: &[Finding], notices: &[Notice]) -> anyhow::Result<String> {
    let mut report = String::new();
    for finding in findings {
        let verdict = if finding.violations.is_empty() { "holds " } else { "BROKEN" };
        writeln!(report, "{verdict}  {}", finding.invariant.rule)?;
        for violation in &finding.violations {
            writeln!(report, "        {violation}")?;
        }
    }
    for notice in notices {
        let verdict = if notice.violations.is_empty() { "holds " } else { "NOTICE" };
        writeln!(report, "{verdict}  {}", notice.rule)?;
        for violation in &notice.violations {
            writeln!(report, "        {violation}")?;
        }
    }
    Ok(report)
}

fn document(findings: &[Finding], notices: &[Notice]) -> serde_json::Value {
    let invariant = |finding: &Finding| {
        json!({
            "rule": finding.invariant.rule,
            "holds": finding.violations.is_empty(),
            "violations": finding.violations,
        })
    };
    let notices = notices.iter().filter(|notice| !notice.violations.is_empty());
    let notices: Vec<_> =
        notices.map(|notice| json!({ "rule": notice.rule, "violations": notice.violations })).collect();
    json!({
        "sound": is_sound(findings),
        "invariants": findings.iter().map(invariant).collect::<Vec<_>>(),
        "notices": notices,
    })
}
