use std::{
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
    loop {
        let pause = match round(&retention, &context).await {
            Ok(true) => BREATH,
            Ok(false) => PERIOD,
            Err(error) => {
                context.failed(&error);
                PERIOD
            }
        };
        if context.pause(pause).await.is_cancelled() {
            break;
        }
    }
}

/// Deletes what can be deleted now: a batch of each table in turn, as one table may have millions of old rows after an
/// upgrade. What cannot be deleted in one table keeps nothing in another. A round ends after `PERIOD`, so that every
/// table has its turn, and what failed is said, however much there is. Returns whether there is more.
async fn round(retention: &Retention, context: &Context) -> Result<bool, Unavailable> {
    let begin = Instant::now();
    let mut outcome = retention.see_subscribers().await;
    let mut tables = Perishable::ALL.to_vec();
    if outcome.is_err() {
        // Who is not seen would be forgotten.
        tables.retain(|what| *what != Perishable::Subscribers);
    }
    loop {
        let mut left = Vec::new();
        for what in tables {
            match isolated(delete(retention, what), Unavailable::new).await {
                Ok(true) => left.push(what),
                Ok(false) => {}
                Err(error) => outcome = outcome.and(Err(error)),
            }
            if context.is_cancelled() {
                return outcome.map(|()| false);
            }
        }
        if outcome.is_ok() {
            context.succeeded();
        }
        if left.is_empty() || begin.elapsed() > PERIOD || context.pause(BREATH).await.is_cancelled() {
            return outcome.map(|()| !left.is_empty());
        }
        tables = left;
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

    use super::{super::supervisor::Workers, *};

    const BUSY: Deleted = Deleted { rows: 500, more: true };
    const DONE: Deleted = Deleted { rows: 0, more: false };

    /// The workers, and in which tables they delete.
    fn deleting(mut rows: MockRetention) -> (Workers, mpsc::UnboundedReceiver<Perishable>) {
        rows.expect_see_subscribers().returning(|_| Ok(()));
        rows.expect_hold_lease().returning(|_| Ok(true));
        let (sender, deleted) = mpsc::unbounded_channel();
        rows.expect_delete().returning(move |what, _, _| {
            sender.send(what).unwrap();
            Ok(if what == Perishable::IdempotencyKeys { BUSY } else { DONE })
        });
        let terms = RetentionTerms { events: PERIOD, gateway_events: PERIOD, refresh_grace: PERIOD };
        let mut clock = MockClock::new();
        clock.expect_now().returning(chrono::Utc::now);
        let mut workers = Workers::new(Arc::new(clock));
        workers.register(delete_old_rows(Retention { rows: Arc::new(rows), subscribers: Vec::new(), terms }));
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
        assert_eq!(next(&mut deleted, 8).await, Perishable::ALL);
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
        assert_eq!(next(&mut deleted, 6).await, expected);
        assert_eq!(next(&mut deleted, 3).await, [Perishable::IdempotencyKeys; 3]);
        assert_eq!(health.report()[0].last_success, None);
        running.stop().await;
    }
}
