//! Early lock release: a batch is committed without waiting for the disk, so that the next one has its rows at once.
//! Its orders are answered when a second connection has flushed the log, which happens beside the next batch.
//!
//! The log is in order: what is flushed after a commit has that commit in it. A crash between the two ends the second
//! connection, which was there before the commit. Then nobody knows, and nobody is told that an order was placed. What
//! else reads an order before it is flushed (another batch, a payment, a cancellation) writes, and is flushed after it;
//! what only reads, and then tells somebody, flushes first.

use std::{str::FromStr, sync::Arc, time::Duration};

use comanda_domain::ports::{MenuObserver, PlaceOrderError, Unavailable};
use diesel_async::AsyncPgConnection;
use tokio::time::Instant;

use super::{
    queue::{Undecided, Waiting},
    repetitions,
    transaction::{Commit, Decided, Decision},
};
use crate::{
    Database,
    database::{flush_log, is_fit},
};

const SETTINGS: &str = "SET application_name = 'comanda-flush'";

/// Whether the locks of a batch are released before it is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarlyRelease {
    /// If flushing takes long compared with the rest, and others wait.
    Auto,
    Always,
    Never,
}

impl FromStr for EarlyRelease {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err("must be auto, always or never"),
        }
    }
}

/// How long batches and flushes have taken lately.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    /// Without the flush.
    batch: Duration,
    flush: Duration,
}

impl Pace {
    /// Below this, a second connection takes more time than it gives.
    const SLOW: Duration = Duration::from_millis(1);

    pub(super) fn note_batch(&mut self, took: Duration) {
        self.batch = (self.batch * 7 + took) / 8;
    }

    pub(super) fn note_flush(&mut self, took: Duration) {
        self.flush = (self.flush * 7 + took) / 8;
    }

    /// How long the locks of a batch are held if it is flushed with them.
    pub(super) fn whole_batch(self) -> Duration {
        self.batch + self.flush
    }

    /// Whether to release locks early. Alone, an order is answered sooner without it.
    pub(super) fn releases_early(self, how: EarlyRelease, others_wait: bool) -> bool {
        match how {
            EarlyRelease::Always => true,
            EarlyRelease::Never => false,
            EarlyRelease::Auto => others_wait && self.flush >= Self::SLOW && self.flush * 4 >= self.batch,
        }
    }
}

/// A batch that is decided, and must be flushed before anybody is told.
pub(super) struct Unflushed {
    decided: Vec<(Waiting, Decision)>,
    menu_changed: bool,
    is_committed: bool,
}

impl Unflushed {
    pub(super) fn new(batch: Vec<Waiting>, decided: Decided) -> Self {
        let Decided { decisions, menu_changed, is_committed, .. } = decided;
        Self { decided: batch.into_iter().zip(decisions).collect(), menu_changed, is_committed }
    }
}

/// What became of it.
#[derive(Default)]
pub(super) struct Settled {
    /// Whether at least one order was decided.
    pub(super) decided: bool,
    pub(super) undecided: Vec<Waiting>,
    /// How long the flush took; `None` if it failed: the connection vouches for nothing any more.
    pub(super) took: Option<Duration>,
}

/// The second connection.
pub(super) struct Flusher {
    database: Database,
    observer: Arc<dyn MenuObserver>,
    limit: Duration,
    connection: Option<AsyncPgConnection>,
}

impl Flusher {
    pub(super) const fn new(database: Database, observer: Arc<dyn MenuObserver>, limit: Duration) -> Self {
        Self { database, observer, limit, connection: None }
    }

    /// How the next batch may be committed. Connects if need be; MUST NOT be called while something is unflushed, which
    /// a new connection could not vouch for.
    pub(super) async fn prepare(&mut self) -> Commit {
        let kept = self.connection.take().and_then(|mut connection| is_fit(&mut connection).then_some(connection));
        self.connection = match kept {
            Some(connection) => Some(connection),
            None => match self.database.dedicated(SETTINGS).await {
                Ok(connection) => Some(connection),
                Err(error) => {
                    tracing::debug!(%error, "no connection to flush by; locks are held through the flush");
                    None
                }
            },
        };
        if self.connection.is_some() { Commit::Unflushed } else { Commit::Flushed }
    }

    /// Whether a batch may be committed without being flushed while another one is.
    pub(super) const fn is_ready(&self) -> bool {
        self.connection.is_some()
    }

    /// Flushes, and answers.
    pub(super) async fn settle(&mut self, unflushed: Option<Unflushed>) -> Settled {
        let Some(Unflushed { decided, menu_changed, is_committed }) = unflushed else { return Settled::default() };
        let begin = Instant::now();
        let flushed = self.flush().await;
        if menu_changed {
            self.observer.menu_changed();
        }
        match flushed {
            Ok(()) => {
                if is_committed {
                    self.database.note_orders(Ok(()));
                }
                let respond = |(waiting, decision)| repetitions::respond(waiting, decision);
                let undecided = decided.into_iter().filter_map(respond).collect();
                Settled { decided: true, undecided, took: Some(begin.elapsed()) }
            }
            Err(error) => {
                tracing::debug!(%error, orders = decided.len(), "it is unknown whether a batch of orders is on disk");
                self.database.note_orders(Err(&error));
                let unknown = PlaceOrderError::Unavailable(error);
                let respond = |(waiting, _)| repetitions::respond(waiting, Err(unknown.clone()));
                Settled { decided: false, undecided: decided.into_iter().filter_map(respond).collect(), took: None }
            }
        }
    }

    /// Drops the connection after an error or too long a time: it can vouch for nothing any more.
    async fn flush(&mut self) -> Result<(), Unavailable> {
        let connection =
            self.connection.take().ok_or_else(|| Unavailable::new("the connection to flush by is gone"))?;
        match tokio::time::timeout(self.limit, flush_log(&connection)).await {
            Ok(flushed) => flushed.map_err(Unavailable::new)?,
            Err(_) => {
                self.database.note_late_orders();
                return Err(Unavailable::new(Undecided::DeadlinePassed));
            }
        }
        self.connection = Some(connection);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_are_released_early_where_flushing_takes_the_time() {
        let pace = |batch, flush| Pace { batch: Duration::from_micros(batch), flush: Duration::from_micros(flush) };
        for (pace, others_wait, early) in [
            (pace(2_000, 3_000), true, true),
            (pace(2_000, 3_000), false, false),
            (pace(2_000, 400), true, false),
            (pace(20_000, 3_000), true, false),
            (Pace::default(), true, false),
        ] {
            assert_eq!(pace.releases_early(EarlyRelease::Auto, others_wait), early, "{pace:?}");
            assert!(pace.releases_early(EarlyRelease::Always, others_wait));
            assert!(!pace.releases_early(EarlyRelease::Never, others_wait));
        }
    }

    #[test]
    fn the_pace_follows_what_was_measured() {
        let mut pace = Pace::default();
        for _ in 0..50 {
            pace.note_batch(Duration::from_millis(2));
            pace.note_flush(Duration::from_millis(3));
        }
        assert!(pace.whole_batch() > Duration::from_micros(4_900));
        assert!(pace.releases_early(EarlyRelease::Auto, true));
        for _ in 0..50 {
            pace.note_flush(Duration::from_micros(100));
        }
        assert!(!pace.releases_early(EarlyRelease::Auto, true));
    }
}
