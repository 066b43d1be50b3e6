use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use comanda_domain::ports::Unavailable;
use metrics::{Counter, counter};
use rand::RngExt;

/// A retry costs as much as this many calls save, so retries are at most a tenth of all calls, however much fails.
const PRICE: u32 = 10;

/// How many retries can be saved up: enough for the moment at which every pooled connection turns out to be broken.
const CAPACITY: u32 = 20;

/// The longest pause before a retry. The pause is random, so that not all retries come at once.
const MAX_PAUSE: Duration = Duration::from_millis(50);

/// A call that took longer than this is not repeated: it has used up its time.
const FAST_FAILURE: Duration = Duration::from_millis(200);

/// Repeats reads that fail at once, such as those that meet a connection of a database that was restarted. Writes are
/// never repeated here: only the caller can know that a write did not happen.
///
/// A budget, rather than a fixed number of retries, prevents retries from doubling the load of something that is down
/// (Google's SRE book, "Addressing Cascading Failures").
pub struct RetryBudget {
    operation: &'static str,
    saved: AtomicU32,
    retries: Counter,
}

impl RetryBudget {
    /// `operation` is the label in metrics.
    pub fn new(operation: &'static str) -> Self {
        let retries = counter!("comanda_retries_total", "operation" => operation);
        Self { operation, saved: AtomicU32::new(CAPACITY * PRICE), retries }
    }

    /// Makes the call, and repeats it once if it failed quickly, for a reason that may be gone by then, and the budget
    /// allows it.
    pub async fn read<T, F>(&self, call: impl Fn() -> F) -> Result<T, Unavailable>
    where
        F: Future<Output = Result<T, Unavailable>>,
    {
        let begin = Instant::now();
        let outcome = call().await;
        match outcome {
            Err(error) if is_worth_repeating(&error) && begin.elapsed() < FAST_FAILURE && self.pay() => {
                tracing::debug!(%error, operation = self.operation, "a failed read is repeated");
                self.retries.increment(1);
                let pause = MAX_PAUSE.mul_f64(rand::rng().random_range(0.0..1.0));
                tokio::time::sleep(pause).await;
                call().await
            }
            outcome => {
                self.save();
                outcome
            }
        }
    }

    fn save(&self) {
        let more = |saved: u32| (saved < CAPACITY * PRICE).then_some(saved + 1);
        // An error means that the budget is full.
        let _ = self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    fn pay(&self) -> bool {
        self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |saved| saved.checked_sub(PRICE)).is_ok()
    }
}

/// Neither an overload nor a record that cannot be read passes within a moment.
fn is_worth_repeating(error: &Unavailable) -> bool {
    !error.is_overload() && error.unreadable().is_none()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use comanda_domain::ports::UnreadableRecord;

    use super::*;

    #[tokio::test]
    async fn a_read_that_fails_once_is_repeated() {
        let calls = AtomicUsize::new(0);
        let read =
            || async { if calls.fetch_add(1, Ordering::SeqCst) == 0 { Err(Unavailable::new("cut")) } else { Ok(7) } };
        assert_eq!(RetryBudget::new("test").read(read).await.ok(), Some(7));
    }

    #[tokio::test]
    async fn an_overload_is_not_made_worse() {
        let calls = AtomicUsize::new(0);
        let read = || async {
            calls.fetch_add(1, Ordering::SeqCst);
            Err::<(), _>(Unavailable::overloaded("full"))
        };
        assert!(RetryBudget::new("test").read(read).await.is_err());
        assert_eq!(calls.into_inner(), 1);
    }

    #[tokio::test]
    async fn a_record_that_cannot_be_read_is_asked_for_once() {
        let calls = AtomicUsize::new(0);
        let record = UnreadableRecord { table: "users", id: String::new(), column: "role", why: String::new() };
        let read = || async {
            calls.fetch_add(1, Ordering::SeqCst);
            Err::<(), _>(record.clone().into())
        };
        assert!(RetryBudget::new("test").read(read).await.is_err());
        assert_eq!(calls.into_inner(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_operation_that_is_down_is_called_at_most_a_tenth_more() {
        let (budget, calls) = (RetryBudget::new("test"), AtomicUsize::new(0));
        for _ in 0..1000 {
            let read = || async {
                calls.fetch_add(1, Ordering::SeqCst);
                Err::<(), _>(Unavailable::new("down"))
            };
            assert!(budget.read(read).await.is_err());
        }
        let calls = calls.into_inner();
        assert!((1001..=1000 + CAPACITY as usize + 1000 / PRICE as usize).contains(&calls), "{calls}");
    }
}
