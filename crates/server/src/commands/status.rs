use std::{fmt::Write, process::ExitCode, time::Duration};

use chrono::SecondsFormat;
use comanda_postgres::{BacklogCounts, HeldLease, HeldSnapshot, MOST_COUNTED, SubscriberBacklog};
use serde_json::{Value, json};

use super::{Format, migrate, print, print_json};
use crate::{app, config::StoreConfig, exit, logging};

#[derive(clap::Args)]
pub struct Status {
    #[command(flatten)]
    format: Format,
}

/// What a look at the database has found. What could not be seen is `None`, and named.
#[derive(Default)]
struct Found {
    /// The names of the migrations that it does not have.
    pending: Option<Vec<String>>,
    subscribers: Option<Vec<SubscriberBacklog>>,
    counts: Option<BacklogCounts>,
    /// One at most.
    snapshot: Option<Vec<HeldSnapshot>>,
    leases: Option<Vec<HeldLease>>,
    unseen: Vec<Unseen>,
}

struct Unseen {
    what: &'static str,
    error: anyhow::Error,
}

impl Status {
    pub async fn run(self, config: &StoreConfig) -> anyhow::Result<ExitCode> {
        logging::start(&config.log, None)?;
        let found = match Found::look(config).await {
            Ok(found) => found,
            Err(error) if self.format.json => {
                let unseen = vec![Unseen { what: "PostgreSQL", error }];
                Found { unseen, ..Found::default() }
            }
            Err(error) => return Err(error),
        };
        match self.format.json {
            true => print_json(&found.document())?,
            false => print(&found.report()?)?,
        }
        // That PostgreSQL is out of reach says more than what failed otherwise.
        let unseen = found.unseen.iter().find(|unseen| exit::is_unreachable(&unseen.error)).or(found.unseen.first());
        Ok(unseen.map_or(ExitCode::SUCCESS, |unseen| exit::code_of(&unseen.error)))
    }
}

impl Found {
    /// Looks at one thing after the other: what one query cannot see is no reason to leave out the rest.
    async fn look(config: &StoreConfig) -> anyhow::Result<Self> {
        let database = app::open_database(config).await?;
        let mut found = Self::default();
        found.pending = found.seen("pending migrations", migrate::pending(&config.database).await);
        found.subscribers = found.seen("events for subscribers", comanda_postgres::subscribers(&database).await);
        let counts = comanda_postgres::backlog(&database).await;
        found.counts = found.seen("events of the payment gateway, payments, refunds and mails", counts);
        let snapshot = comanda_postgres::oldest_snapshot(&database).await;
        found.snapshot = found.seen("the oldest snapshot", snapshot.map(Vec::from_iter));
        found.leases = found.seen("leases", comanda_postgres::leases(&database).await);
        Ok(found)
    }

    fn seen<T>(&mut self, what: &'static str, looked: Result<T, impl Into<anyhow::Error>>) -> Option<T> {
        looked.map_err(|error| self.unseen.push(Unseen { what, error: error.into() })).ok()
    }

    fn report(&self) -> anyhow::Result<String> {
        let mut report = String::new();
        for subscriber in self.subscribers.iter().flatten() {
            writeln!(report, "events for {}: {}", subscriber.name, state(subscriber))?;
        }
        if let Some(counts) = &self.counts {
            report_counts(counts, &mut report)?;
        }
        if let Some(snapshot) = &self.snapshot {
            report_snapshot(snapshot.first(), &mut report)?;
        }
        if let Some(pending) = &self.pending {
            writeln!(report, "{}", migrations(pending))?;
        }
        for lease in self.leases.iter().flatten() {
            let verb = if lease.is_held { "is held until" } else { "is free since" };
            writeln!(
                report,
                "lease {}: {verb} {}",
                lease.name,
                lease.held_until.to_rfc3339_opts(SecondsFormat::Millis, true)
            )?;
        }
        for Unseen { what, error } in &self.unseen {
            writeln!(report, "NOT SEEN: {what}: {error:#}")?;
        }
        if !self.unseen.is_empty() && self.pending.as_ref().is_some_and(|pending| !pending.is_empty()) {
            writeln!(report, "Run `comanda migrate`, then ask again: what is missing cannot be read.")?;
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
        let lease = |lease: &HeldLease| {
            let until = lease.held_until.to_rfc3339_opts(SecondsFormat::Millis, true);
            json!({ "name": lease.name, "held_until": until, "held": lease.is_held })
        };
        let list = |list: Vec<Value>| Value::from(list);
        let counts = self.counts.as_ref();
        let unseen = |Unseen { what, error }: &Unseen| json!({ "what": what, "error": format!("{error:#}") });
        json!({
            "subscribers": self.subscribers.as_ref().map(|all| list(all.iter().map(subscriber).collect())),
            "gateway_events": counts.map(|counts| json!({
                "waiting": counts.gateway_events_waiting,
                "oldest_seconds": counts.gateway_events_oldest_seconds,
                "unreadable": counts.gateway_events_unreadable,
                "unknown": counts.gateway_events_unknown,
            })),
            "payments": counts.map(|counts| json!({
                "open": counts.payments_open,
                "overdue": counts.payments_overdue,
                "to_cancel": counts.payments_to_cancel,
            })),
            "refunds": counts.map(|counts| json!({
                "waiting": counts.refunds_waiting,
                "oldest_seconds": counts.refunds_oldest_seconds,
                "failed": counts.refunds_failed,
            })),
            "mails": counts.map(|counts| {
                json!({ "waiting": counts.mails_waiting, "most_attempts": counts.mails_most_attempts })
            }),
            "oldest_snapshot": self.snapshot.iter().flatten().next().map(snapshot),
            "pending_migrations": self.pending,
            "leases": self.leases.as_ref().map(|all| list(all.iter().map(lease).collect())),
            "unseen": self.unseen.iter().map(unseen).collect::<Vec<_>>(),
        })
    }
}

fn report_counts(counts: &BacklogCounts, report: &mut String) -> std::fmt::Result {
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
    )
}

fn report_snapshot(snapshot: Option<&HeldSnapshot>, report: &mut String) -> std::fmt::Result {
    match snapshot.filter(|held| held.transactions > 0) {
        None => writeln!(report, "oldest snapshot: none"),
        Some(held) => writeln!(
            report,
            "oldest snapshot: {} transaction(s) ago{}, held by the {} {} in {}{}",
            held.transactions,
            held.age.map(|age| format!(", for {}", span(age))).unwrap_or_default(),
            held.holder.replace('_', " "),
            held.name,
            held.database.as_deref().unwrap_or("no database"),
            held.pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
        ),
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
