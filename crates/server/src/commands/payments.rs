use std::{fmt::Write, process::ExitCode};

use anyhow::bail;
use chrono::{TimeDelta, Utc};
use clap::{Args, Subcommand};

use super::print;
use crate::{app, config::PaymentsConfig};

#[derive(Subcommand)]
pub enum PaymentsCommand {
    /// Compare card payments with the payment gateway, and repair what it knows better; fails where they differed
    Reconcile(Reconcile),
}

#[derive(Args)]
pub struct Reconcile {
    /// Payments that were begun so many days ago, or later
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
}

impl PaymentsCommand {
    pub async fn run(&self, config: &PaymentsConfig) -> anyhow::Result<ExitCode> {
        let Self::Reconcile(Reconcile { days }) = self;
        let Some(reconcile) = app::reconcile_payments(config).await? else {
            bail!("there is no gateway to compare with: PAYMENT_GATEWAY is not stripe");
        };
        let (compared, differences) = reconcile.execute(Utc::now() - TimeDelta::days(i64::from(*days))).await?;
        let mut report = String::new();
        for difference in &differences {
            writeln!(report, "{difference}")?;
        }
        writeln!(report, "{compared} card payment(s) compared, {} differ", differences.len())?;
        print(&report)?;
        Ok(if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
