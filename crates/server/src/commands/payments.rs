use std::{fmt::Write, process::ExitCode};

use chrono::{TimeDelta, Utc};
use clap::{Args, Subcommand};
use comanda_application::payments::Difference;
use comanda_domain::{Intent, Money, ports::GatewayError};
use serde_json::json;

use super::{Format, print, print_json};
use crate::{
    app,
    config::PaymentsConfig,
    exit::{Unreachable, UsageError},
};

#[derive(Subcommand)]
pub enum PaymentsCommand {
    /// Compare card payments with the payment gateway, and correct ours where the gateway knows better.
    ///
    /// Exits with 1 if any differed.
    Reconcile(Reconcile),
}

#[derive(Args)]
pub struct Reconcile {
    /// Compare payments of this many days.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
    #[command(flatten)]
    format: Format,
}

impl PaymentsCommand {
    pub async fn run(&self, config: &PaymentsConfig) -> anyhow::Result<ExitCode> {
        let Self::Reconcile(Reconcile { days, format }) = self;
        let Some(reconciliation) = app::reconcile_payments(config).await? else {
            return Err(UsageError::new("PAYMENT_GATEWAY", "only Stripe's payments can be compared").into());
        };
        let since = Utc::now() - TimeDelta::days(i64::from(*days));
        let (compared, differences) = reconciliation.reconcile(since).await.map_err(|error| match error {
            GatewayError::Unavailable(cause) => {
                Unreachable::new("STRIPE_API_URL", "Stripe", &config.payments.stripe_url.address(), &cause).into()
            }
            refused @ (GatewayError::Refused(_) | GatewayError::Misconfigured(_)) => anyhow::Error::from(refused),
        })?;
        match format.json {
            true => print_json(&document(compared, &differences))?,
            false => print(&report(compared, &differences)?)?,
        }
        Ok(if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn report(compared: usize, differences: &[Difference]) -> anyhow::Result<String> {
    let mut report = String::new();
    for difference in differences {
        writeln!(report, "{difference}")?;
    }
    writeln!(report, "{compared} card payment(s) compared, {} differ", differences.len())?;
    Ok(report)
}

fn document(compared: usize, differences: &[Difference]) -> serde_json::Value {
    let gateway = |intent: &Intent| {
        json!({
            "intent_id": intent.id.0,
            "state": format!("{:?}", intent.state).to_lowercase(),
            "amount": intent.amount.amount(),
            "received": intent.received.map(Money::amount),
            "refunded": intent.refunded().amount(),
        })
    };
    let difference = |difference: &Difference| {
        let payment = &difference.payment;
        json!({
            "payment_id": payment.id.as_uuid(),
            "order_id": payment.order_id.as_uuid(),
            "status": payment.status.as_str(),
            "amount": payment.amount.amount(),
            "refunded": payment.refunded.amount(),
            "currency": payment.amount.currency().code(),
            "gateway": difference.gateway.as_ref().map(gateway),
            "repaired": difference.repaired,
            "failure": difference.failure,
        })
    };
    json!({ "compared": compared, "differences": differences.iter().map(difference).collect::<Vec<_>>() })
}
