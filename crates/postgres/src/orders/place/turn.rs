//! Turns: how the committers of several servers share hot menu items.
//!
//! A batch that is taken from the queue before it waits for the rows of another server's batch is as small as the queue
//! was then. So a server that meets others asks for a turn first, and takes the orders once it has it: all that have
//! come meanwhile. A turn is an advisory lock, which is given in the order in which it was asked for: servers get even
//! shares. Rows are locked and compared as without it, so that nothing but the pace depends on turns, and whoever gets
//! none in time does without.

use std::{ops::RangeInclusive, time::Duration};

use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::join;

use super::statements::{TakeFreeTurn, TakeTurn};
use crate::database::{Failures, NamedRows};

/// The number of the advisory lock: any that nothing else in this database uses.
const TURN: i64 = 7_236_251_409_351;

/// Begins a transaction that waits for its turn for so long.
fn begin(wait: Duration) -> String {
    format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED; \
         SELECT set_config('comanda.lock_timeout', current_setting('lock_timeout'), true), \
                set_config('lock_timeout', '{}', true)",
        wait.as_millis()
    )
}

/// Rows are waited for as long as without a turn.
const GO_ON: &str = "SELECT set_config('lock_timeout', current_setting('comanda.lock_timeout'), true)";

/// A turn is waited for as long as so many batches take: about as many servers may be before this one. Whoever has it
/// may also wait for a row that somebody else holds, and others need not.
const BATCHES_BEFORE: u32 = 8;

/// The least and the most time that a turn is waited for.
const WAIT: RangeInclusive<Duration> = Duration::from_millis(250)..=Duration::from_secs(1);

/// How long PostgreSQL may take, beside the wait.
const GRACE: Duration = Duration::from_millis(750);

/// After so many turns in a row that were free, no other server places orders at the moment.
const FREE_TURNS: u32 = 16;

/// After it had no turn in time, a server asks for none for so many batches.
const WITHOUT: u32 = 50;

/// Whether a server asks for turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turns {
    /// No other server was met.
    Alone,
    /// Another server was met, so many turns ago.
    Shared { free: u32 },
    /// Somebody keeps the turn: for so many batches this one does without.
    Without { batches: u32 },
}

impl Turns {
    pub(super) fn are_asked_for(self) -> bool {
        #[cfg(feature = "planted")]
        if comanda_planted::Fault::UnguardedStock.is_planted() {
            return false;
        }
        matches!(self, Self::Shared { .. })
    }

    /// After a batch without a turn; `met`, if another server had the turn.
    pub(super) fn after_batch(&mut self, met: bool) {
        *self = match *self {
            Self::Without { batches } if batches > 1 => Self::Without { batches: batches - 1 },
            _ if met => Self::Shared { free: 0 },
            Self::Shared { free } => Self::Shared { free },
            Self::Alone | Self::Without { .. } => Self::Alone,
        };
    }

    /// After a turn, which was free at once or not.
    fn after_turn(&mut self, was_free: bool) {
        let Self::Shared { free } = *self else { return };
        *self = match free + 1 {
            _ if !was_free => Self::Shared { free: 0 },
            FREE_TURNS => Self::Alone,
            free => Self::Shared { free },
        };
    }
}

/// Prepares the statements, without taking a turn.
pub(super) async fn prepare(mut connection: &AsyncPgConnection) -> QueryResult<()> {
    TakeTurn { turns: &[] }.load::<bool>(&mut connection).rows("order.place.take_turn").await?;
    TakeFreeTurn { turns: &[] }.load::<bool>(&mut connection).rows("order.place.take_free_turn").await.map(|_| ())
}

/// The first round trip of a batch with a turn: begins its transaction, and waits. After an error, or after the time
/// limit of the caller, whoever it was does without turns for a while.
pub(super) async fn take(connection: &AsyncPgConnection, turns: &mut Turns, wait: Duration) -> QueryResult<()> {
    let beginning = begin(wait);
    let before = std::mem::replace(turns, Turns::Without { batches: WITHOUT });
    let (mut first, mut second, mut third) = (connection, connection, connection);
    let (begun, was_free, goes_on) = join!(
        first.batch_execute(&beginning),
        TakeTurn { turns: &[TURN] }.load::<bool>(&mut second).rows("order.place.take_turn"),
        third.batch_execute(GO_ON),
    );
    let mut failures = Failures::default();
    failures.take(begun);
    let was_free = failures.take(was_free).unwrap_or_default();
    failures.take(goes_on);
    if let Some(error) = failures.first() {
        return Err(error);
    }
    *turns = before;
    turns.after_turn(was_free == [true]);
    Ok(())
}

/// For a batch that was taken without a turn: takes it if it is free.
pub(super) async fn take_if_free(mut connection: &AsyncPgConnection) -> QueryResult<bool> {
    let taken = TakeFreeTurn { turns: &[TURN] }.load::<bool>(&mut connection);
    Ok(taken.rows("order.place.take_free_turn").await? == [true])
}

/// How long to wait for a turn if batches take this long.
pub(super) fn wait_of(batch: Duration) -> Duration {
    (batch * BATCHES_BEFORE).clamp(*WAIT.start(), *WAIT.end())
}

/// What takes longer than this wait and what PostgreSQL is allowed beside it, fails.
pub(super) async fn in_time<T>(wait: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(wait + GRACE, work).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_asked_for_as_long_as_others_place_orders() {
        let mut turns = Turns::Alone;
        turns.after_batch(false);
        assert!(!turns.are_asked_for());
        turns.after_batch(true);
        assert!(turns.are_asked_for());
        for _ in 0..100 {
            turns.after_turn(false);
            for _ in 1..FREE_TURNS {
                turns.after_turn(true);
            }
        }
        assert!(turns.are_asked_for());
        turns.after_turn(true);
        assert_eq!(turns, Turns::Alone);
    }

    #[test]
    fn the_wait_follows_what_batches_take() {
        let waits = [1, 60, 5_000].map(|batch| wait_of(Duration::from_millis(batch)).as_millis());
        assert_eq!(waits, [250, 480, 1_000]);
    }

    #[test]
    fn whoever_had_no_turn_in_time_does_without_for_a_while() {
        let mut turns = Turns::Without { batches: WITHOUT };
        for _ in 1..WITHOUT {
            turns.after_batch(true);
            assert!(!turns.are_asked_for());
        }
        turns.after_batch(true);
        assert!(turns.are_asked_for());
    }
}
