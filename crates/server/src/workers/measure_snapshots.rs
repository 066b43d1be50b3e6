use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use comanda_domain::ports::Unavailable;
use comanda_postgres::{
    Database, EventHorizon, HeldSnapshot, PostgresSalesFigures, dead_rows, event_horizon, oldest_snapshot,
};
use comanda_task::isolated;
use metrics::gauge;

use super::worker::{Context, Worker};

const PERIOD: Duration = Duration::from_secs(5);

/// From this age on a snapshot is measured with who holds it. Younger ones are everyday business, and there are many.
const NOTEWORTHY: Duration = Duration::from_secs(5);

/// From this age on it is in the log.
const OLD: Duration = Duration::from_mins(1);

/// Measures the oldest snapshot in PostgreSQL, and what waits for it beside the outbox: event streams, the sales
/// figures, and rows that nobody else needs.
pub fn measure_snapshots(database: Database, figures: Arc<PostgresSalesFigures>) -> Worker {
    Worker::new("measure_snapshots", move |context| {
        let (database, figures) = (database.clone(), Arc::clone(&figures));
        async move { run(&database, &figures, context).await }
    })
}

async fn run(database: &Database, figures: &PostgresSalesFigures, context: Context) {
    let mut measurement = Measurement::default();
    loop {
        match measure(database, figures, &mut measurement).await {
            Ok(()) => context.succeeded(),
            Err(error) => context.failed(&error),
        }
        if context.pause(PERIOD).await.is_cancelled() {
            break;
        }
    }
}

/// What cannot be measured keeps nothing else from it.
async fn measure(
    database: &Database,
    figures: &PostgresSalesFigures,
    measurement: &mut Measurement,
) -> Result<(), Unavailable> {
    let snapshot = async { oldest_snapshot(database).await.map(|oldest| measurement.found(oldest)) };
    let snapshot = isolated(snapshot, Unavailable::new).await;
    let horizon = isolated(event_horizon(database), Unavailable::new).await;
    let horizon = horizon.map(|horizon| {
        let age = measurement.horizon.age(horizon, Instant::now());
        gauge!("comanda_event_horizon_seconds").set(age.as_secs_f64());
    });
    let figures = isolated(figures.lag(), Unavailable::new).await;
    let figures = figures.map(|lag| gauge!("comanda_sales_figures_lag_seconds").set(lag.as_secs_f64()));
    let dead = isolated(dead_rows(database), Unavailable::new).await.map(|tables| {
        for (table, rows) in tables {
            gauge!("comanda_dead_rows", "table" => table).set(f64::from(u32::try_from(rows).unwrap_or(u32::MAX)));
        }
    });
    snapshot.and(horizon).and(figures).and(dead)
}

/// What was found last.
#[derive(Default)]
struct Measurement {
    oldest: Option<Seen>,
    horizon: SeenHorizon,
}

/// The horizon of events, and when it was first seen where it is.
#[derive(Default)]
struct SeenHorizon(Option<(EventHorizon, Instant)>);

impl SeenHorizon {
    /// How long the same transaction has held up those that came later.
    fn age(&mut self, found: EventHorizon, now: Instant) -> Duration {
        let stays = |(seen, _): &(EventHorizon, Instant)| {
            seen.ended_before == found.ended_before && seen.begun_before > seen.ended_before
        };
        let since = self.0.filter(stays).map_or(now, |(_, since)| since);
        self.0 = Some((found, since));
        now.duration_since(since)
    }
}

struct Seen {
    snapshot: HeldSnapshot,
    /// When its holder was first seen to hold this transaction.
    since: Instant,
    /// How old it was last.
    age: Duration,
}

impl Measurement {
    fn found(&mut self, oldest: Option<HeldSnapshot>) {
        let before = self.oldest.take();
        self.oldest = oldest.map(|snapshot| Seen::now(snapshot, before.as_ref()));
        let (age, transactions) =
            self.oldest.as_ref().map_or_else(Default::default, |seen| (seen.age, seen.snapshot.transactions));
        gauge!("comanda_oldest_snapshot_seconds").set(age.as_secs_f64());
        gauge!("comanda_oldest_snapshot_transactions").set(f64::from(u32::try_from(transactions).unwrap_or(u32::MAX)));
        if let Some(before) = before.filter(|before| before.age >= NOTEWORTHY) {
            measure_holder(&before.snapshot, Duration::ZERO);
        }
        if let Some(seen) = self.oldest.as_ref().filter(|seen| seen.age >= NOTEWORTHY) {
            measure_holder(&seen.snapshot, seen.age);
        }
    }
}

impl Seen {
    fn now(snapshot: HeldSnapshot, before: Option<&Self>) -> Self {
        let before = before.filter(|before| before.snapshot.is_held_like(&snapshot));
        let since = before.map_or_else(Instant::now, |before| before.since);
        // Of some holders only the transaction is known. While no other has begun since, it holds nothing back.
        let seen_for = if snapshot.transactions > 0 { since.elapsed() } else { Duration::ZERO };
        let age = snapshot.age.unwrap_or(seen_for);
        if age >= OLD && before.is_none_or(|before| before.age < OLD) {
            let HeldSnapshot { holder, name, database, pid, transactions, .. } = &snapshot;
            tracing::warn!(holder, name, database, pid, transactions, ?age, "an old snapshot is held");
        }
        Self { snapshot, since, age }
    }
}

/// Only for old ones: the series of a process id stays until the server ends.
fn measure_holder(snapshot: &HeldSnapshot, age: Duration) {
    let HeldSnapshot { holder, name, database, pid, .. } = snapshot;
    let labels = [
        ("holder", holder.clone()),
        ("name", name.clone()),
        ("database", database.clone().unwrap_or_default()),
        ("pid", pid.map(|pid| pid.to_string()).unwrap_or_default()),
    ];
    gauge!("comanda_snapshot_seconds", &labels).set(age.as_secs_f64());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_horizon_ages_while_it_stays_and_others_wait_behind_it() {
        let (mut seen, begin) = (SeenHorizon::default(), Instant::now());
        let mut age = |second, ended_before, begun_before| {
            let found = EventHorizon { ended_before, begun_before };
            seen.age(found, begin + Duration::from_secs(second)).as_secs()
        };
        // Nothing is open, and nothing happens.
        assert_eq!((age(0, 7, 7), age(5, 7, 7), age(10, 7, 7)), (0, 0, 0));
        assert_eq!((age(15, 7, 9), age(20, 7, 12), age(40, 7, 30)), (0, 5, 25));
        // It has ended, and another is open.
        assert_eq!((age(45, 30, 31), age(50, 30, 40), age(55, 41, 41)), (0, 5, 0));
    }
}
