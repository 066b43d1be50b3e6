use std::{fmt::Write, process::ExitCode};

use chrono::{DateTime, SecondsFormat, Utc};
use clap::{ArgGroup, Args, Subcommand};
use comanda_application::orders::{Cancelled, Found};
use comanda_domain::{Order, Reason, Unwanted};
use serde_json::{Value, json};

use super::{Format, Settings, print, print_json};
use crate::{app, exit::UsageError, logging};

#[derive(Subcommand)]
pub enum OrdersCommand {
    /// Cancel the unpaid or unaccepted orders of a time. Without `--yes`, only list them.
    ///
    /// As when staff cancel: stock comes back at once, what was paid is refunded by the servers soon after, card
    /// payments that were begun are called off, and each order is written to the audit log. Orders that are paid or
    /// accepted in the meantime, if that matters, are left alone.
    ///
    /// Exits with 1 if one could not be read or cancelled.
    Cancel(Cancel),
}

#[derive(Args)]
#[command(group = ArgGroup::new("which").required(true).multiple(true))]
pub struct Cancel {
    /// Orders placed at or after this moment, such as `2026-11-28T18:00:00Z`.
    #[arg(long, value_name = "TIME")]
    from: DateTime<Utc>,
    /// Orders placed before this moment.
    #[arg(long, value_name = "TIME")]
    to: DateTime<Utc>,
    /// Those that are neither completed nor cancelled and that nothing was paid for.
    #[arg(long, group = "which")]
    unpaid: bool,
    /// Those that the kitchen has not accepted; what was paid for them is refunded. With `--unpaid`: those that are
    /// both.
    #[arg(long, group = "which")]
    pending: bool,
    /// Why; the orders and the audit log keep it.
    #[arg(long, default_value = "by an operator")]
    reason: String,
    /// Cancel them.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    format: Format,
}

impl OrdersCommand {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let Self::Cancel(cancel) = self;
        cancel.run(settings).await
    }
}

impl Cancel {
    async fn run(self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let reason = Reason::new(&self.reason).map_err(|why| UsageError::new("the reason", why))?;
        if self.from >= self.to {
            return Err(UsageError::new("--from", "must be before --to").into());
        }
        let which = match (self.unpaid, self.pending) {
            (true, true) => Unwanted::UnpaidAndPending,
            (true, false) => Unwanted::Unpaid,
            // One of them is required.
            (false, _) => Unwanted::Pending,
        };
        let config = settings.orders()?;
        logging::start(&config.log, None)?;
        let service = app::cancel_orders(&config).await?;
        let found = service.find(which, self.from, self.to).await?;
        let outcome = match self.yes {
            true => Some(service.cancel(which, &found.orders, &reason).await),
            false => None,
        };
        match self.format.json {
            true => print_json(&document(&found, outcome.as_ref()))?,
            false => print(&report(&found, outcome.as_ref())?)?,
        }
        let has_failed = outcome.is_some_and(|outcome| !outcome.failed.is_empty());
        Ok(if has_failed || !found.unreadable.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn report(found: &Found, outcome: Option<&Cancelled>) -> anyhow::Result<String> {
    let mut report = String::new();
    for record in &found.unreadable {
        writeln!(report, "left alone: {record}")?;
    }
    let Some(Cancelled { cancelled, too_late, failed, not_tried }) = outcome else {
        for Order { id, number, status, total, .. } in &found.orders {
            let (amount, currency) = (total.amount(), total.currency());
            writeln!(report, "{id}  {number}  {status}  {amount} {} (minor units)", currency.code())?;
        }
        let count = found.orders.len();
        writeln!(report, "{count} order(s) would be cancelled. Nothing has changed: --yes cancels them.")?;
        return Ok(report);
    };
    for (id, cause) in failed {
        writeln!(report, "{id} could not be cancelled: {cause}")?;
    }
    if !not_tried.is_empty() {
        writeln!(report, "{} order(s) were not tried, since several in a row failed: repeat this", not_tried.len())?;
    }
    writeln!(
        report,
        "{} order(s) cancelled, {} left alone because they had changed, {} failed. Servers make the refunds.",
        cancelled.len(),
        too_late.len(),
        failed.len()
    )?;
    Ok(report)
}

fn document(found: &Found, outcome: Option<&Cancelled>) -> Value {
    let order = |order: &Order| {
        json!({
            "id": order.id.as_uuid(),
            "number": order.number.to_string(),
            "status": order.status.as_str(),
            "total": { "amount": order.total.amount(), "currency": order.total.currency().code() },
            "customer_id": order.customer_id.as_uuid(),
            "created_at": order.created_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        })
    };
    let outcome = outcome.map(|outcome| {
        json!({
            "cancelled": outcome.cancelled.iter().map(|id| id.as_uuid()).collect::<Vec<_>>(),
            "changed_meanwhile": outcome.too_late.iter().map(|id| id.as_uuid()).collect::<Vec<_>>(),
            "not_tried": outcome.not_tried.iter().map(|id| id.as_uuid()).collect::<Vec<_>>(),
            "failed": outcome.failed.iter().map(|(id, cause)| {
                json!({ "id": id.as_uuid(), "error": cause.to_string() })
            }).collect::<Vec<_>>(),
        })
    });
    json!({
        "orders": found.orders.iter().map(order).collect::<Vec<_>>(),
        "unreadable": found.unreadable.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "outcome": outcome,
    })
}
