//! Turns: how the committers of several servers share hot menu items.
//!
//! A batch that is taken from the queue before it waits for the rows of another server's batch is as small as the queue
//! was then. So a server that meets others asks for a turn first, and takes the orders once it has it: all that have
//! come meanwhile. A turn is an advisory lock, which is given in the order in which it was asked for: servers get even
//! shares. Rows are locked and compared as without it, so that nothing but the pace depends on turns, and whoever gets
//! none in time does without.

use std::time::{Duration, Instant};

use diesel::{QueryResult, dsl::sql, sql_types::Bool};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use crate::database::Named;

/// The number of the advisory lock: any that nothing else in this database uses.
macro_rules! turn {
    () => {
        "7236251409351"
    };
}

/// Begins a transaction and waits for a turn, for a quarter of a second: whoever has it may wait for a row that somebody
/// else holds, and others need not. Rows are waited for as long as without a turn.
const TAKE: &str = concat!(
    "BEGIN ISOLATION LEVEL READ COMMITTED; \
     SELECT set_config('comanda.lock_timeout', current_setting('lock_timeout'), true), \
            set_config('lock_timeout', '250', true); \
     SELECT pg_advisory_xact_lock(",
    turn!(),
    "); SELECT set_config('lock_timeout', current_setting('comanda.lock_timeout'), true)"
);

/// A turn that took less was free.
const AT_ONCE: Duration = Duration::from_millis(1);

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

    /// After a turn that was waited for so long.
    fn after_turn(&mut self, waited: Duration) {
        let Self::Shared { free } = *self else { return };
        *self = match free + 1 {
            _ if waited >= AT_ONCE => Self::Shared { free: 0 },
            FREE_TURNS => Self::Alone,
            free => Self::Shared { free },
        };
    }
}

/// The first round trip of a batch with a turn: begins its transaction, and waits.
pub(super) async fn take(mut connection: &AsyncPgConnection, turns: &mut Turns) -> QueryResult<()> {
    let since = Instant::now();
    let taken = connection.batch_execute(TAKE).one("order.place.take_turn").await;
    match &taken {
        Ok(()) => turns.after_turn(since.elapsed()),
        Err(_) => *turns = Turns::Without { batches: WITHOUT },
    }
    taken
}

/// For a batch that was taken without a turn: takes it if it is free.
pub(super) async fn take_if_free(mut connection: &AsyncPgConnection) -> QueryResult<bool> {
    let turn = sql::<Bool>(concat!("pg_try_advisory_xact_lock(", turn!(), ")"));
    diesel::select(turn).get_result(&mut connection).one("order.place.take_free_turn").await
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
            turns.after_turn(AT_ONCE);
            for _ in 1..FREE_TURNS {
                turns.after_turn(Duration::ZERO);
            }
        }
        assert!(turns.are_asked_for());
        turns.after_turn(Duration::ZERO);
        assert_eq!(turns, Turns::Alone);
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
