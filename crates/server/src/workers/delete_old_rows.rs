use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use comanda_application::operations::Retention;
use comanda_domain::{Perishable, ports::Unavailable};
use comanda_task::isolated;
use metrics::counter;

use super::worker::{Context, Worker};

/// How long to wait when nothing is left to delete.
const PERIOD: Duration = Duration::from_secs(10);

/// Between two batches of a table, for whoever else needs the disk: 5,000 rows a second at most.
const BREATH: Duration = Duration::from_millis(100);

/// Deletes what is of no use any more. One server at a time does.
pub fn delete_old_rows(retention: Retention) -> Worker {
    let retention = Arc::new(retention);
    Worker::new("delete_old_rows", move |context| run(Arc::clone(&retention), context))
}

async fn run(retention: Arc<Retention>, context: Context) {
    let mut told = BTreeMap::new();
    loop {
        let Round { more, failures } = round(&retention, &context).await;
        for (what, cause) in failures.news_to(&mut told) {
            tracing::warn!(what, cause, "old rows cannot be deleted; those of other tables are");
        }
        if !failures.0.is_empty() {
            context.failed(&failures);
        }
        let pause = if more && failures.0.is_empty() { BREATH } else { PERIOD };
        if context.pause(pause).await.is_cancelled() {
            break;
        }
    }
}

/// How a round ended.
struct Round {
    /// There is more to delete now.
    more: bool,
    failures: Failures,
}

/// What could not be done in a round, and why.
#[derive(Default)]
struct Failures(Vec<(&'static str, Unavailable)>);

impl Failures {
    /// Those that began with this round, or have another cause than in the one before: each is told once, however long
    /// another one lasts.
    fn news_to(&self, told: &mut BTreeMap<&'static str, String>) -> Vec<(&'static str, String)> {
        let all: BTreeMap<_, _> = self.0.iter().map(|(what, cause)| (*what, cause.to_string())).collect();
        let before = std::mem::replace(told, all.clone());
        all.into_iter().filter(|(what, cause)| before.get(what) != Some(cause)).collect()
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (what, cause)) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            write!(f, "{separator}{what}: {cause}")?;
        }
        Ok(())
    }
}

/// Deletes what can be deleted now: a batch of each table in turn, as one table may have millions of old rows after an
/// upgrade. What cannot be deleted in one table keeps nothing in another. A round ends after `PERIOD`, so that every
/// table has its turn, and what failed is said, however much there is.
async fn round(retention: &Retention, context: &Context) -> Round {
    let begin = Instant::now();
    let mut failures = Failures::default();
    let mut tables = Perishable::ALL.to_vec();
    if let Err(error) = isolated(retention.see_subscribers(), Unavailable::new).await {
        // Who is not seen would be forgotten.
        tables.retain(|what| *what != Perishable::Subscribers);
        failures.0.push(("subscribers of this server", error));
    }
    loop {
        let mut left = Vec::new();
        for what in tables {
            match isolated(delete(retention, what), Unavailable::new).await {
                Ok(true) => left.push(what),
                Ok(false) => {}
                Err(error) => failures.0.push((name_of(what), error)),
            }
            if context.is_cancelled() {
                return Round { more: false, failures };
            }
        }
        if failures.0.is_empty() {
            context.succeeded();
        }
        if left.is_empty() || begin.elapsed() > PERIOD || context.pause(BREATH).await.is_cancelled() {
            return Round { more: !left.is_empty(), failures };
        }
        tables = left;
    }
}

/// The table's name; two kinds of rows are of one table.
fn name_of(what: Perishable) -> &'static str {
    match what {
        Perishable::UnknownGatewayEvents => "gateway_events of unknown kinds",
        other => other.as_str(),
    }
}

/// Deletes a batch. Returns whether there is more, for this server, to delete now.
async fn delete(retention: &Retention, what: Perishable) -> Result<bool, Unavailable> {
    // `None`: another server does.
    let Some(deleted) = retention.delete_some(what).await? else { return Ok(false) };
    counter!("comanda_rows_deleted_total", "table" => what.as_str()).increment(deleted.rows);
    Ok(deleted.more)
}

#[cfg(test)]
mod tests {
    use comanda_domain::{
        RetentionTerms,
        ports::{Deleted, MockClock, MockRetention},
    };
    use tokio::sync::mpsc;
    use tokio_util::sync::CancellationToken;

    use super::{
        super::{status::Status, supervisor::Workers},
        *,
    };

    const BUSY: Deleted = Deleted { rows: 500, more: true };
    const DONE: Deleted = Deleted { rows: 0, more: false };

    fn retention(rows: MockRetention) -> Retention {
        let terms = RetentionTerms {
            events: PERIOD,
            gateway_events: PERIOD,
            unknown_gateway_events: PERIOD,
            refresh_grace: PERIOD,
        };
        Retention { rows: Arc::new(rows), subscribers: Vec::new(), terms }
    }

    /// The workers, and in which tables they delete.
    fn deleting(mut rows: MockRetention) -> (Workers, mpsc::UnboundedReceiver<Perishable>) {
        rows.expect_see_subscribers().returning(|_| Ok(()));
        rows.expect_hold_lease().returning(|_| Ok(true));
        let (sender, deleted) = mpsc::unbounded_channel();
        rows.expect_delete().returning(move |what, _, _| {
            sender.send(what).unwrap();
            Ok(if what == Perishable::IdempotencyKeys { BUSY } else { DONE })
        });
        let mut clock = MockClock::new();
        clock.expect_now().returning(chrono::Utc::now);
        let mut workers = Workers::new(Arc::new(clock));
        workers.register(delete_old_rows(retention(rows)));
        (workers, deleted)
    }

    async fn next(deleted: &mut mpsc::UnboundedReceiver<Perishable>, count: usize) -> Vec<Perishable> {
        let mut tables = Vec::new();
        while tables.len() < count {
            tables.push(deleted.recv().await.unwrap());
        }
        tables
    }

    #[tokio::test(start_paused = true)]
    async fn a_table_with_much_to_delete_keeps_no_other_waiting() {
        let (workers, mut deleted) = deleting(MockRetention::new());
        let health = workers.health();
        let running = workers.start().unwrap();
        assert_eq!(next(&mut deleted, Perishable::ALL.len()).await, Perishable::ALL);
        assert_eq!(next(&mut deleted, 3).await, [Perishable::IdempotencyKeys; 3]);
        assert!(health.report()[0].last_success.is_some(), "though it is never done");
        running.stop().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_table_that_fails_or_panics_keeps_no_other_waiting() {
        let mut rows = MockRetention::new();
        let is = |what| move |found: &Perishable, _: &Duration, _: &u32| *found == what;
        rows.expect_delete().withf(is(Perishable::Sessions)).returning(|_, _, _| panic!("in this test"));
        let failure = || Unavailable::new("in this test");
        rows.expect_delete().withf(is(Perishable::Mails)).returning(move |_, _, _| Err(failure()));
        let (workers, mut deleted) = deleting(rows);
        let health = workers.health();
        let running = workers.start().unwrap();
        let mut expected = Perishable::ALL.to_vec();
        expected.retain(|what| !matches!(what, Perishable::Sessions | Perishable::Mails));
        assert_eq!(next(&mut deleted, expected.len()).await, expected);
        assert_eq!(next(&mut deleted, 3).await, [Perishable::IdempotencyKeys; 3]);
        assert_eq!(health.report()[0].last_success, None);
        running.stop().await;
    }

    #[test]
    fn each_failure_is_told_once_however_long_another_one_lasts() {
        let failures = |causes: &[(&'static str, &'static str)]| {
            Failures(causes.iter().map(|(what, cause)| (*what, Unavailable::new(*cause))).collect())
        };
        let mut told = BTreeMap::new();
        let mut news = |causes: &[(&'static str, &'static str)]| -> Vec<&'static str> {
            failures(causes).news_to(&mut told).into_iter().map(|(what, _)| what).collect()
        };
        assert_eq!(news(&[("mails", "too slow")]), ["mails"]);
        assert_eq!(news(&[("mails", "too slow"), ("sessions", "too slow")]), ["sessions"]);
        assert_eq!(news(&[("mails", "too slow"), ("sessions", "read only")]), ["sessions"]);
        assert!(news(&[("mails", "too slow")]).is_empty());
        assert_eq!(news(&[("mails", "too slow"), ("sessions", "read only")]), ["sessions"], "once more");
        let all = failures(&[("mails", "too slow"), ("sessions", "read only")]).to_string();
        assert!(all.contains("mails: ") && all.contains("; sessions: "), "{all}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_round_reports_each_of_its_failures() {
        let mut rows = MockRetention::new();
        rows.expect_see_subscribers().returning(|_| Err(Unavailable::new("in this test")));
        rows.expect_hold_lease().returning(|_| Ok(true));
        let is = |what| move |found: &Perishable, _: &Duration, _: &u32| *found == what;
        rows.expect_delete().withf(is(Perishable::Sessions)).returning(|_, _, _| panic!("in this test"));
        rows.expect_delete().withf(is(Perishable::Mails)).returning(|_, _, _| Err(Unavailable::new("in this test")));
        rows.expect_delete().returning(|_, _, _| Ok(DONE));
        let mut clock = MockClock::new();
        clock.expect_now().returning(chrono::Utc::now);
        let status = Arc::new(Status::new("delete_old_rows".into(), false, Arc::new(clock)));
        let context = Context { cancellation: CancellationToken::new(), status };
        let Round { failures, .. } = round(&retention(rows), &context).await;
        let failed: Vec<&str> = failures.0.iter().map(|(what, _)| *what).collect();
        assert_eq!(failed, ["subscribers of this server", "sessions", "mails"]);
    }
}
