//! `cargo xtask alerts`: checks the alert rules and the dashboard in `operations/`.

mod fresh;

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::{process::succeed, project, services::promtool};

/// Checks the rules and runs their tests with Prometheus's own tool; then that every alert has a page in the runbook
/// and every page an alert, and that the metrics which rules and dashboard ask for are those that the code measures, and
/// that a server has from its start; and that none is alerted on while a server idles. Pages about what people notice,
/// and no alert, have names in lower case.
pub fn run() -> anyhow::Result<ExitCode> {
    let (operations, runbook) = (project::root().join("operations"), project::root().join("docs/runbook"));
    let promtool = promtool()?;
    succeed(Command::new(&promtool).args(["check", "rules"]).arg(operations.join("alerts.yml")))?;
    let tests = ["alerts.test.yml", "fresh.test.yml"];
    succeed(Command::new(&promtool).args(["test", "rules"]).args(tests).current_dir(&operations))?;

    let rules = fs::read_to_string(operations.join("alerts.yml"))?;
    let alerts: BTreeSet<String> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).map(str::to_owned).collect();
    let pages: BTreeSet<String> = fs::read_dir(&runbook)?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".md").map(str::to_owned))
        .filter(|name| name != "README" && !name.starts_with(char::is_lowercase))
        .collect();
    ensure!(
        alerts == pages,
        "alerts without a page, or pages without an alert: {:?}",
        alerts.symmetric_difference(&pages)
    );

    let dashboard = fs::read_to_string(operations.join("dashboard.json"))?;
    let document: Value = serde_json::from_str(&dashboard).context("dashboard.json")?;
    ensure!(document["panels"].as_array().is_some_and(|panels| !panels.is_empty()), "the dashboard is empty");
    let code = source(&project::root().join("crates"))?;
    let unknown: Vec<&str> = metrics_in(&rules)
        .union(&metrics_in(&dashboard))
        .filter(|metric| !code.contains(&format!("\"{metric}\"")))
        .copied()
        .collect();
    ensure!(unknown.is_empty(), "nothing measures {unknown:?}");
    let untested: Vec<&String> = alerts.iter().filter(|alert| !fires_in(&operations, &tests, alert)).collect();
    ensure!(untested.is_empty(), "no test has {untested:?} fire");

    let asked_for = metrics_in(&rules).union(&metrics_in(&dashboard)).copied().collect();
    fresh::check(&promtool, &rules, &alerts, &asked_for)?;
    println!("{} alerts, each with a page; every metric is measured", alerts.len());
    Ok(ExitCode::SUCCESS)
}

/// Names of metrics as the code has them: Prometheus adds endings to those of histograms.
fn metrics_in(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| ["comanda_", "http_server_", "db_client_"].iter().any(|start| word.starts_with(start)))
        // Labels are named like metrics.
        .filter(|word| !word.starts_with("db_client_connection_pool_name") && *word != "db_client_connection_state")
        .map(|word| ["_bucket", "_sum", "_count"].iter().fold(word, |word, end| word.strip_suffix(end).unwrap_or(word)))
        .collect()
}

/// Whether a test expects the alert.
fn fires_in(operations: &Path, tests: &[&str], alert: &str) -> bool {
    tests.iter().any(|test| {
        let text = fs::read_to_string(operations.join(test)).unwrap_or_default();
        let name = format!("alertname: {alert}\n");
        let expectations = text.split(&name).skip(1);
        expectations.map(str::trim_start).any(|rest| !rest.starts_with("exp_alerts: []"))
    })
}

fn source(folder: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            text.push_str(&source(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path)?);
        }
    }
    Ok(text)
}
