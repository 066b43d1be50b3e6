use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use comanda_domain::ports::Unavailable;
use metrics::{Counter, counter};
use rand::RngExt;

/// A retry costs what so many calls bring in: retries are a tenth of all calls at most, however much fails.
const PRICE: u32 = 10;

/// What can be saved up, in retries: for the moment at which every pooled connection turns out to be gone.
const MOST: u32 = 20;

/// The longest pause before a retry; the pause is anything up to it, so that not all come back at once.
const PAUSE: Duration = Duration::from_millis(50);

/// What took longer has used up its time.
const SOON: Duration = Duration::from_millis(200);

/// Repeats reads that failed at once, such as those that met a connection of a database that was restarted. Only reads: what changes
/// something is repeated by whoever knows that it did not happen.
///
/// A budget rather than a number of tries, so that retries cannot double the load of something that is down (Google's SRE book,
/// "Addressing Cascading Failures").
pub struct RetryBudget {
    operation: &'static str,
    saved: AtomicU32,
    retries: Counter,
}

impl RetryBudget {
    /// `operation` is its name in metrics.
    pub fn new(operation: &'static str) -> Self {
        let retries = counter!("comanda_retries_total", "operation" => operation);
        Self { operation, saved: AtomicU32::new(MOST * PRICE), retries }
    }

    /// Makes the call, and once more if that failed soon, nothing was overloaded, and the budget has room.
    pub async fn read<T, F>(&self, call: impl Fn() -> F) -> Result<T, Unavailable>
    where
        F: Future<Output = Result<T, Unavailable>>,
    {
        let begin = Instant::now();
        let outcome = call().await;
        match outcome {
            Err(error) if !error.is_overload() && begin.elapsed() < SOON && self.pay() => {
                tracing::debug!(%error, operation = self.operation, "a read is repeated");
                self.retries.increment(1);
                let pause = PAUSE.mul_f64(rand::rng().random_range(0.0..1.0));
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
        let more = |saved: u32| (saved < MOST * PRICE).then_some(saved + 1);
        // Full is full.
        let _ = self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    fn pay(&self) -> bool {
        self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |saved| saved.checked_sub(PRICE)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[tokio::test]
    async fn what_fails_once_is_read_at_the_second_try() {
        let tries = AtomicUsize::new(0);
        let read =
            || async { if tries.fetch_add(1, Ordering::SeqCst) == 0 { Err(Unavailable::new("cut")) } else { Ok(7) } };
        assert_eq!(RetryBudget::new("test").read(read).await.ok(), Some(7));
    }

    #[tokio::test]
    async fn an_overload_is_not_made_worse() {
        let tries = AtomicUsize::new(0);
        let read = || async {
            tries.fetch_add(1, Ordering::SeqCst);
            Err::<(), _>(Unavailable::overloaded("full"))
        };
        assert!(RetryBudget::new("test").read(read).await.is_err());
        assert_eq!(tries.into_inner(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn of_something_that_is_down_a_tenth_more_is_asked_at_most() {
        let (budget, tries) = (RetryBudget::new("test"), AtomicUsize::new(0));
        for _ in 0..1000 {
            let read = || async {
                tries.fetch_add(1, Ordering::SeqCst);
                Err::<(), _>(Unavailable::new("down"))
            };
            assert!(budget.read(read).await.is_err());
        }
        let tries = tries.into_inner();
        assert!((1001..=1000 + MOST as usize + 1000 / PRICE as usize).contains(&tries), "{tries}");
    }
}
