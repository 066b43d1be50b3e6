//! Whether a session still does what it is for. One that answers may be unfit all the same: an operator, or a full
//! disk, has made its database read-only, or its server was demoted. Some settings count for the sessions that are
//! opened after them, so that only new sessions are good again.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::{AsyncConnection, AsyncPgConnection, pooled_connection::PoolableConnection};
use thiserror::Error;

use super::slow_statements::Listener;

/// For as long as a database cannot be written to, each write finds an unfit session. Those that are opened meanwhile
/// are kept for at least so long.
const LEAST_TRUST: Duration = Duration::from_secs(1);

/// How long an order that could not be written says that none can. Then it is found out again whether they can: if a
/// server that is not ready gets no orders, none is going to say so.
const LATELY: Duration = Duration::from_secs(3);

/// For how long the tables that orders need are locked, or orders are late and none is committed, before that says that
/// none can be written. A migration, or somebody who changes a table by hand, locks one for a moment.
const PATIENCE: Duration = Duration::from_secs(3);

/// The state of the sessions of one URL.
#[derive(Debug, Default)]
pub(super) struct Fitness {
    distrusted_before: Mutex<Option<Instant>>,
    unwritten: Mutex<Option<(Instant, String)>>,
    /// Since when orders are late, and none was committed.
    late_since: Mutex<Option<Instant>>,
    /// Since when every look has found a table of orders locked.
    locked_since: Mutex<Option<Instant>>,
}

/// What is known of orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Orders {
    /// The last one was written, as far as anybody knows.
    Written,
    /// The last one was not, some time ago, or all have been late for some time.
    InDoubt,
}

/// Orders cannot be written, although the database answers.
#[derive(Debug, Error)]
#[error("orders are not written: {0}")]
pub(super) struct NotWritten(String);

/// What a failed statement says about sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Fit,
    /// Its own session is of no use any more.
    Unfit,
    /// All sessions that are as old as this one are likely to be unfit, too.
    AllUnfit,
}

impl Verdict {
    fn of(error: &Error) -> Self {
        let Error::DatabaseError(kind, information) = error else { return Self::Fit };
        match (kind, information.message()) {
            (DatabaseErrorKind::ReadOnlyTransaction, _) => Self::AllUnfit,
            // What the session has prepared is gone, or the tables have changed.
            (_, message) if message.starts_with("prepared statement") || message.starts_with("cached plan") => {
                Self::Unfit
            }
            // On its way out, for whatever reason.
            (_, message) if message.starts_with("terminating connection") => Self::Unfit,
            _ => Self::Fit,
        }
    }
}

impl Fitness {
    /// Whether a session that was opened then is to be used to write.
    pub(super) fn trusts(&self, opened_at: Instant) -> bool {
        lock(&self.distrusted_before).is_none_or(|before| opened_at >= before)
    }

    fn distrust(&self) {
        let now = Instant::now();
        let mut before = lock(&self.distrusted_before);
        if before.is_none_or(|before| now.duration_since(before) >= LEAST_TRUST) {
            *before = Some(now);
        }
    }

    /// A statement has failed. Returns whether its session is still fit.
    pub(super) fn judge(&self, error: &Error) -> bool {
        let verdict = Verdict::of(error);
        if verdict == Verdict::AllUnfit {
            self.distrust();
        }
        verdict == Verdict::Fit
    }

    /// An order was written, or could not be.
    pub(super) fn note_orders(&self, outcome: Result<(), String>) {
        if outcome.is_ok() {
            *lock(&self.late_since) = None;
        }
        *lock(&self.unwritten) = outcome.err().map(|cause| (Instant::now(), cause));
    }

    /// An order was not written in time, for a reason that may pass by itself, or concern it alone.
    pub(super) fn note_late_orders(&self) {
        lock(&self.late_since).get_or_insert_with(Instant::now);
    }

    /// Whether the tables that orders need are locked. Fails if they have been for long.
    pub(super) fn note_locks(&self, cause: Option<String>) -> Result<(), NotWritten> {
        let mut locked_since = lock(&self.locked_since);
        match cause {
            Some(cause) if locked_since.get_or_insert_with(Instant::now).elapsed() >= PATIENCE => {
                Err(NotWritten(cause))
            }
            Some(_) => Ok(()),
            None => {
                *locked_since = None;
                Ok(())
            }
        }
    }

    /// Fails if orders could not be written lately.
    pub(super) fn orders(&self) -> Result<Orders, NotWritten> {
        self.orders_after(LATELY)
    }

    fn orders_after(&self, lately: Duration) -> Result<Orders, NotWritten> {
        let are_late = lock(&self.late_since).is_some_and(|since| since.elapsed() >= PATIENCE);
        match &*lock(&self.unwritten) {
            Some((at, cause)) if at.elapsed() < lately => Err(NotWritten(cause.clone())),
            Some(_) => Ok(Orders::InDoubt),
            None if are_late => Ok(Orders::InDoubt),
            None => Ok(Orders::Written),
        }
    }
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a session can be used for what comes next. Nothing may run on it.
pub(crate) fn is_fit(connection: &mut AsyncPgConnection) -> bool {
    !connection.is_broken() && listener(connection).is_none_or(|listener| listener.is_fit())
}

/// The session cannot write, and a new one can: it is not used again to write, nor is any that is as old.
pub(super) fn distrust(connection: &mut AsyncPgConnection) {
    if let Some(listener) = listener(connection) {
        let read_only = Box::new("the session is read-only".to_owned());
        listener.judge(&Error::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, read_only));
    }
}

fn listener(connection: &mut AsyncPgConnection) -> Option<&mut Listener> {
    connection.instrumentation().downcast_mut::<Listener>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(kind: DatabaseErrorKind, message: &str) -> Error {
        Error::DatabaseError(kind, Box::new(message.to_owned()))
    }

    #[test]
    fn errors_that_make_a_session_unfit_are_told_from_others() {
        use DatabaseErrorKind::{ReadOnlyTransaction, UniqueViolation, Unknown};
        for (kind, message, verdict) in [
            (ReadOnlyTransaction, "cannot execute INSERT in a read-only transaction", Verdict::AllUnfit),
            (ReadOnlyTransaction, "cannot execute UPDATE during recovery", Verdict::AllUnfit),
            (Unknown, "terminating connection due to administrator command", Verdict::Unfit),
            (Unknown, "prepared statement \"s572\" does not exist", Verdict::Unfit),
            (Unknown, "cached plan must not change result type", Verdict::Unfit),
            (Unknown, "canceling statement due to lock timeout", Verdict::Fit),
            (UniqueViolation, "duplicate key value violates unique constraint", Verdict::Fit),
        ] {
            assert_eq!(Verdict::of(&failed(kind, message)), verdict, "{message}");
        }
    }

    #[test]
    fn sessions_are_distrusted_that_were_opened_before_one_could_not_write() {
        let fitness = Fitness::default();
        let old = Instant::now();
        assert!(fitness.trusts(old));
        let read_only = failed(DatabaseErrorKind::ReadOnlyTransaction, "cannot execute INSERT");
        assert!(!fitness.judge(&read_only) && !fitness.trusts(old));
        // Not the next one at once, which the next write finds out about.
        let new = Instant::now();
        assert!(!fitness.judge(&read_only) && fitness.trusts(new));
    }

    #[test]
    fn orders_that_are_late_for_long_are_in_doubt_until_one_is_written() {
        let fitness = Fitness::default();
        fitness.note_late_orders();
        assert_eq!(fitness.orders().unwrap(), Orders::Written, "it may pass");
        *lock(&fitness.late_since) = Instant::now().checked_sub(PATIENCE);
        fitness.note_late_orders();
        assert_eq!(fitness.orders().unwrap(), Orders::InDoubt);
        fitness.note_orders(Ok(()));
        assert_eq!(fitness.orders().unwrap(), Orders::Written);
    }

    #[test]
    fn orders_are_written_again_once_one_is() {
        let fitness = Fitness::default();
        assert_eq!(fitness.orders().unwrap(), Orders::Written);
        fitness.note_orders(Err("no space left".to_owned()));
        let error = fitness.orders().unwrap_err();
        assert!(error.to_string().contains("no space left"));
        // That time passes proves nothing.
        assert_eq!(fitness.orders_after(Duration::ZERO).unwrap(), Orders::InDoubt);
        fitness.note_orders(Ok(()));
        assert_eq!(fitness.orders().unwrap(), Orders::Written);
    }
}
