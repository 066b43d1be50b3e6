use std::{fmt::Write, time::Duration};

use chrono::SecondsFormat;
use comanda_domain::ports::Unavailable;
use comanda_postgres::{Backlog, HeldSnapshot, MOST_COUNTED, SubscriberBacklog};
use serde_json::{Value, json};

use super::{Format, migrate, print, print_json};
use crate::{app, config::StoreConfig, logging};

#[derive(clap::Args)]
pub struct Status {
    #[command(flatten)]
    format: Format,
}

/// What a look at the database has found.
struct Found {
    /// The names of the migrations that it does not have.
    pending: Vec<String>,
    snapshot: Option<HeldSnapshot>,
    backlog: Backlog,
}

impl Status {
    pub async fn run(self, config: &StoreConfig) -> anyhow::Result<()> {
        logging::start(&config.log, None)?;
        let database = app::open_database(config).await?;
        let pending = migrate::pending(&config.database).await?;
        let backlog = match comanda_postgres::backlog(&database).await {
            // What is missing cannot be read.
            Err(error) if !pending.is_empty() => return self.report_pending(&pending, &error),
            backlog => backlog?,
        };
        let snapshot = comanda_postgres::oldest_snapshot(&database).await?;
        let found = Found { pending, snapshot, backlog };
        match self.format.json {
            true => print_json(&found.document()),
            false => print(&found.report()?),
        }
    }

    fn report_pending(&self, pending: &[String], error: &Unavailable) -> anyhow::Result<()> {
        match self.format.json {
            true => print_json(&json!({ "pending_migrations": pending, "error": error.to_string() })),
            false => print(&format!("{}\n{error}\nRun `comanda migrate`, then ask again.\n", migrations(pending))),
        }
    }
}

impl Found {
    fn report(&self) -> anyhow::Result<String> {
        let mut report = String::new();
        for subscriber in &self.backlog.subscribers {
            writeln!(report, "events for {}: {}", subscriber.name, state(subscriber))?;
        }
        let counts = &self.backlog.counts;
        writeln!(
            report,
            "events of the payment gateway: {} to be handled{}, {} unreadable, {} of unknown kinds",
            counted(counts.gateway_events_waiting),
            oldest(counts.oldest_gateway_event()),
            counted(counts.gateway_events_unreadable),
            counted(counts.gateway_events_unknown)
        )?;
        writeln!(
            report,
            "card payments: {} open, {} of overdue orders, {} to be cancelled at the gateway",
            counted(counts.payments_open),
            counted(counts.payments_overdue),
            counted(counts.payments_to_cancel)
        )?;
        writeln!(
            report,
            "refunds: {} not made yet{}, {} failed",
            counted(counts.refunds_waiting),
            oldest(counts.oldest_refund()),
            counted(counts.refunds_failed)
        )?;
        writeln!(
            report,
            "mails to accounts: {} to be sent, attempted {} time(s) at most",
            counted(counts.mails_waiting),
            counts.mails_most_attempts
        )?;
        match self.snapshot.as_ref().filter(|held| held.transactions > 0) {
            None => writeln!(report, "oldest snapshot: none")?,
            Some(held) => writeln!(
                report,
                "oldest snapshot: {} transaction(s) ago{}, held by the {} {} in {}{}",
                held.transactions,
                held.age.map(|age| format!(", for {}", span(age))).unwrap_or_default(),
                held.holder.replace('_', " "),
                held.name,
                held.database.as_deref().unwrap_or("no database"),
                held.pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
            )?,
        }
        writeln!(report, "{}", migrations(&self.pending))?;
        for lease in &self.backlog.leases {
            let verb = if lease.is_held { "is held until" } else { "is free since" };
            writeln!(
                report,
                "lease {}: {verb} {}",
                lease.name,
                lease.held_until.to_rfc3339_opts(SecondsFormat::Millis, true)
            )?;
        }
        Ok(report)
    }

    fn document(&self) -> Value {
        let subscriber = |subscriber: &SubscriberBacklog| {
            json!({
                "name": subscriber.name,
                "served": subscriber.is_served,
                "waiting": subscriber.waiting,
                "lag_seconds": subscriber.lag.as_secs_f64(),
                "dead_letters": subscriber.dead,
                "last_error": subscriber.last_error,
            })
        };
        let snapshot = |held: &HeldSnapshot| {
            json!({
                "holder": held.holder,
                "name": held.name,
                "database": held.database,
                "pid": held.pid,
                "transactions": held.transactions,
                "seconds": held.age.map(|age| age.as_secs_f64()),
            })
        };
        let Backlog { subscribers, counts, leases } = &self.backlog;
        json!({
            "subscribers": subscribers.iter().map(subscriber).collect::<Vec<_>>(),
            "gateway_events": {
                "waiting": counts.gateway_events_waiting,
                "oldest_seconds": counts.gateway_events_oldest_seconds,
                "unreadable": counts.gateway_events_unreadable,
                "unknown": counts.gateway_events_unknown,
            },
            "payments": {
                "open": counts.payments_open,
                "overdue": counts.payments_overdue,
                "to_cancel": counts.payments_to_cancel,
            },
            "refunds": {
                "waiting": counts.refunds_waiting,
                "oldest_seconds": counts.refunds_oldest_seconds,
                "failed": counts.refunds_failed,
            },
            "mails": { "waiting": counts.mails_waiting, "most_attempts": counts.mails_most_attempts },
            "oldest_snapshot": self.snapshot.as_ref().map(snapshot),
            "pending_migrations": self.pending,
            "leases": leases.iter().map(|lease| {
                let until = lease.held_until.to_rfc3339_opts(SecondsFormat::Millis, true);
                json!({ "name": lease.name, "held_until": until, "held": lease.is_held })
            }).collect::<Vec<_>>(),
        })
    }
}

fn state(subscriber: &SubscriberBacklog) -> String {
    let SubscriberBacklog { waiting, lag, dead, is_served, last_error, .. } = subscriber;
    let waits = match waiting {
        0 => "nothing waits".to_owned(),
        waiting => format!("{waiting} wait{}", oldest(Some(*lag))),
    };
    let letters = if *dead > 0 { format!(", {dead} dead letter(s)") } else { String::new() };
    let nobody = if *is_served { "" } else { "; no server delivers to it" };
    let why = last_error.as_ref().map(|error| format!("; the last failure: {error}")).unwrap_or_default();
    format!("{waits}{letters}{nobody}{why}")
}

fn counted(count: i64) -> String {
    if count > MOST_COUNTED { format!("more than {MOST_COUNTED}") } else { count.to_string() }
}

fn migrations(pending: &[String]) -> String {
    match pending {
        [] => "migrations: none pending".to_owned(),
        [first, ..] => format!("migrations: {} pending, the first is {first}", pending.len()),
    }
}

fn oldest(age: Option<Duration>) -> String {
    age.map(|age| format!(" (the oldest for {})", span(age))).unwrap_or_default()
}

fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}
