use std::{collections::BTreeMap, fmt::Write, process::ExitCode};

use anyhow::anyhow;
use chrono::{DateTime, SecondsFormat, Utc};
use clap::{ArgGroup, Args, Subcommand};
use comanda_application::orders::{Cancelled, Found, UnwantedOrder};
use comanda_domain::{Money, Order, Reason, Unwanted};
use serde_json::{Value, json};

use super::{Format, Settings, print, print_json};
use crate::{app, exit::UsageError, logging};

#[derive(Subcommand)]
pub enum OrdersCommand {
    /// Cancel the unpaid or unaccepted orders of a time. Without `--yes`, only list them, and what would be refunded.
    ///
    /// As when staff cancel: stock comes back at once, what was paid is refunded by the servers soon after, card
    /// payments that were begun are called off, and each order is written to the audit log. Orders that are paid or
    /// accepted in the meantime, if that matters, are left alone.
    ///
    /// Exits with 1 if one could not be read or cancelled, or if no order at all was placed in that time: then the time
    /// is hardly the one that was meant.
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
        if found.orders.is_empty()
            && found.unreadable.is_empty()
            && !service.were_any_placed(self.from, self.to).await?
        {
            let [from, to] = [self.from, self.to].map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
            return Err(anyhow!("no order was placed from {from} on and before {to}: are these the right times?"));
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
        for UnwantedOrder { order: Order { id, number, status, total, .. }, refund } in &found.orders {
            let paid = refund.map(|refund| format!(", {} would be refunded", minor_units(refund))).unwrap_or_default();
            writeln!(report, "{id}  {number}  {status}  {}{paid}", minor_units(*total))?;
        }
        if let Some(refunds) = refunds(&found.orders) {
            writeln!(report, "{refunds}")?;
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

fn minor_units(money: Money) -> String {
    format!("{} {} (minor units)", money.amount(), money.currency().code())
}

/// What goes back in all, by currency: of how many orders, and how much.
fn sums(orders: &[UnwantedOrder]) -> BTreeMap<String, (usize, i64)> {
    let mut sums = BTreeMap::<_, (usize, i64)>::new();
    for refund in orders.iter().filter_map(|order| order.refund) {
        let (orders, amount) = sums.entry(refund.currency().code().to_owned()).or_default();
        *orders += 1;
        *amount = amount.saturating_add(refund.amount());
    }
    sums
}

/// Which orders are paid, and what goes back. `None`: nothing does.
fn refunds(orders: &[UnwantedOrder]) -> Option<String> {
    let paid = orders.iter().filter(|order| order.refund.is_some());
    let numbers: Vec<String> = paid.map(|paid| paid.order.number.to_string()).collect();
    let sums = sums(orders);
    let amounts: Vec<String> =
        sums.iter().map(|(currency, (_, amount))| format!("{amount} {currency} (minor units)")).collect();
    (!numbers.is_empty()).then(|| {
        let (count, named, amounts) = (numbers.len(), named(&numbers), amounts.join(" and "));
        format!("{count} of them are paid (numbers {named}): {amounts} would be refunded.")
    })
}

/// The first of them, and how many more there are.
fn named(numbers: &[String]) -> String {
    const NAMED: usize = 20;
    let first = numbers.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match numbers.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

fn document(found: &Found, outcome: Option<&Cancelled>) -> Value {
    let money = |money: Money| json!({ "amount": money.amount(), "currency": money.currency().code() });
    let order = |UnwantedOrder { order, refund }: &UnwantedOrder| {
        json!({
            "id": order.id.as_uuid(),
            "number": order.number.to_string(),
            "status": order.status.as_str(),
            "total": money(order.total),
            "refund": refund.map(money),
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
        "refunds": sums(&found.orders).into_iter().map(|(currency, (orders, amount))| {
            json!({ "orders": orders, "amount": amount, "currency": currency })
        }).collect::<Vec<_>>(),
        "unreadable": found.unreadable.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "outcome": outcome,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_numbers_the_first_twenty_are_named() {
        let numbers: Vec<String> = (1..=23).map(|number| number.to_string()).collect();
        assert_eq!(named(&numbers[..2]), "1, 2");
        assert!(named(&numbers[..20]).ends_with("19, 20"));
        assert!(named(&numbers).ends_with("19, 20 and 3 more"));
    }
}
