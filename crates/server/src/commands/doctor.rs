mod findings;
mod postgres;
mod redis;

use std::{fmt::Write, process::ExitCode};

use serde_json::json;

use self::findings::{Finding, Findings, Verdict};
use super::{Format, Settings, print, print_json};
use crate::{config::Config, exit};

#[derive(clap::Args)]
pub struct Doctor {
    #[command(flatten)]
    format: Format,
}

impl Doctor {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let mut findings = Findings::default();
        // Mistakes end the command, as they end a server: what else is there depends on them.
        let config = settings.server()?;
        look_at_settings(&config, &mut findings);
        postgres::look(&config, &mut findings).await;
        redis::look(&config, &mut findings).await;
        match self.format.json {
            true => print_json(&json!({ "healthy": findings.are_healthy(), "findings": findings.0 }))?,
            false => print(&report(&findings)?)?,
        }
        Ok(if findings.are_healthy() {
            ExitCode::SUCCESS
        } else if findings.0.iter().any(|finding| finding.is_unreachable) {
            exit::UNREACHABLE.into()
        } else {
            ExitCode::FAILURE
        })
    }
}

fn look_at_settings(config: &Config, findings: &mut Findings) {
    findings.ok("settings", "can be used");
    for warning in &config.warnings {
        findings.notice("settings", warning, "change it unless it is meant");
    }
    if config.payments.gateway == crate::config::Gateway::None {
        findings.notice("settings", "no cards are taken", "set PAYMENT_GATEWAY if they should be");
    }
}

fn report(findings: &Findings) -> anyhow::Result<String> {
    let mut report = String::new();
    for Finding { check, verdict, says, todo, .. } in &findings.0 {
        let verdict = match verdict {
            Verdict::Ok => "ok     ",
            Verdict::Notice => "NOTICE ",
            Verdict::Problem => "PROBLEM",
            Verdict::Unknown => "unknown",
        };
        writeln!(report, "{verdict}  {check}: {says}")?;
        if let Some(todo) = todo {
            writeln!(report, "         -> {todo}")?;
        }
    }
    let problems = findings.0.iter().filter(|finding| finding.verdict == Verdict::Problem).count();
    writeln!(report, "{problems} problem(s)")?;
    Ok(report)
}
