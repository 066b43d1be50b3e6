//! Early lock release: a batch is committed without waiting for the disk, so that the next one has its rows at once.
//! Its orders are answered when a second connection has flushed the log, which happens beside the next batch.
//!
//! The log is in order: what is flushed after a commit has that commit in it. A crash between the two ends the second
//! connection, which was there before the commit, on the same server. Then nobody knows, and nobody is told that an
//! order was placed. What else reads an order before it is flushed (another batch, a payment, a cancellation) writes,
//! and is flushed after it. Repetitions, events and published menus only read, and flush before they tell. Whoever
//! looks at orders in that moment sees them, although a crash could still undo them.

use std::{str::FromStr, sync::Arc, time::Duration};

use comanda_domain::ports::{MenuObserver, PlaceOrderError, Unavailable};
use diesel::{QueryResult, dsl::sql, sql_types::Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tokio::time::Instant;

use super::{
    queue::{Undecided, Waiting},
    repetitions,
    transaction::{Commit, Decided, Decision},
};
use crate::{
    Database,
    database::{Named, flush_log, is_fit},
};

const SETTINGS: &str = "SET application_name = 'comanda-flush'";

/// After a failure to connect, batches are flushed with their locks held for this long.
const PAUSE: Duration = Duration::from_mins(1);

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

/// A batch that is committed, and must be flushed before anybody is told.
pub(super) struct Unflushed {
    decided: Vec<(Waiting, Decision)>,
    menu_changed: bool,
}

impl Unflushed {
    pub(super) fn new(batch: Vec<Waiting>, decided: Decided) -> Self {
        let Decided { decisions, menu_changed, .. } = decided;
        Self { decided: batch.into_iter().zip(decisions).collect(), menu_changed }
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
    connection: Option<AsyncPgConnection>,
    /// The server that the connection leads to.
    server: Option<Server>,
    /// After a failure, no other attempt to connect is made before this.
    paused_until: Option<Instant>,
}

/// Which server a connection leads to, and since when that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server(String);

impl Server {
    pub(super) async fn of(mut connection: &AsyncPgConnection) -> QueryResult<Self> {
        let server = sql::<Text>(
            "pg_postmaster_start_time()::text \
             || coalesce(' ' || host(inet_server_addr()) || ' ' || inet_server_port(), '')",
        );
        diesel::select(server).get_result(&mut connection).one("database.which_server").await.map(Self)
    }
}

impl Flusher {
    pub(super) const fn new(database: Database, observer: Arc<dyn MenuObserver>) -> Self {
        Self { database, observer, connection: None, server: None, paused_until: None }
    }

    /// How the next batch may be committed to this server. Connects if need be; MUST NOT be called while something is
    /// unflushed, which a new connection could not vouch for.
    pub(super) async fn prepare(&mut self, server: &Server) -> Commit {
        if self.vouches_for(server) == Commit::Unflushed {
            return Commit::Unflushed;
        }
        self.connection = None;
        if self.paused_until.is_none_or(|until| until <= Instant::now()) {
            match self.connect().await {
                Ok(()) => self.paused_until = None,
                Err(error) => {
                    tracing::debug!(%error, "no connection to flush by; locks are held through the flush");
                    self.paused_until = Some(Instant::now() + PAUSE);
                }
            }
        }
        self.vouches_for(server)
    }

    /// How a batch may be committed to this server by the connection that there is.
    pub(super) fn vouches_for(&mut self, server: &Server) -> Commit {
        let is_same = self.server.as_ref() == Some(server);
        let vouches = is_same && self.connection.as_mut().is_some_and(is_fit);
        if vouches { Commit::Unflushed } else { Commit::Flushed }
    }

    async fn connect(&mut self) -> Result<(), Unavailable> {
        let connection = self.database.dedicated(SETTINGS).await?;
        self.server = Some(Server::of(&connection).await.map_err(Unavailable::new)?);
        self.connection = Some(connection);
        Ok(())
    }

    /// Flushes, and answers.
    pub(super) async fn settle(&mut self, unflushed: Option<Unflushed>) -> Settled {
        let Some(Unflushed { decided, menu_changed }) = unflushed else { return Settled::default() };
        let begin = Instant::now();
        // Afterwards nobody waits any more.
        let last = decided.iter().map(|(waiting, _)| waiting.last_deadline()).max();
        let flushed = self.flush(last.unwrap_or(begin)).await;
        if menu_changed {
            self.observer.menu_changed();
        }
        match flushed {
            Ok(()) => {
                self.database.note_orders(Ok(()));
                let respond = |(waiting, decision)| repetitions::respond(waiting, decision);
                let undecided = decided.into_iter().filter_map(respond).collect();
                Settled { decided: true, undecided, took: Some(begin.elapsed()) }
            }
            Err(error) => {
                tracing::debug!(%error, orders = decided.len(), "it is unknown whether a batch of orders is on disk");
                // Whether orders can be written, the next batch says.
                self.database.note_late_orders();
                let unknown = PlaceOrderError::Unavailable(error);
                let respond = |(waiting, _)| repetitions::respond(waiting, Err(unknown.clone()));
                Settled { decided: false, undecided: decided.into_iter().filter_map(respond).collect(), took: None }
            }
        }
    }

    /// Drops the connection after an error or too long a time: it can vouch for nothing any more.
    async fn flush(&mut self, deadline: Instant) -> Result<(), Unavailable> {
        let connection =
            self.connection.take().ok_or_else(|| Unavailable::new("the connection to flush by is gone"))?;
        let flushed = tokio::time::timeout_at(deadline, flush_log(&connection)).await;
        flushed.map_err(|_| Unavailable::new(Undecided::DeadlinePassed))?.map_err(Unavailable::new)?;
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
