//! What kind of error a statement failed with, for metrics and logs.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};

/// The class of an error, by its `SQLSTATE`. Diesel keeps the codes of a few errors, and of the others the message
/// alone: in other languages than English those are `database` (see `warn_of_other_language`).
pub(super) fn class_of(error: &Error) -> &'static str {
    let Error::DatabaseError(kind, information) = error else { return "other" };
    match kind {
        DatabaseErrorKind::UniqueViolation => "unique_violation",
        DatabaseErrorKind::ForeignKeyViolation => "foreign_key_violation",
        DatabaseErrorKind::CheckViolation => "check_violation",
        DatabaseErrorKind::SerializationFailure => "serialization_failure",
        DatabaseErrorKind::ReadOnlyTransaction => "read_only",
        DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => "closed_connection",
        _ => by_message(information.message()),
    }
}

/// Every class of errors that is counted.
pub(super) const CLASSES: [&str; 17] = [
    "cancelled",
    "check_violation",
    "closed_connection",
    "database",
    "deadlock",
    "disk_full",
    "foreign_key_violation",
    "lock_timeout",
    "other",
    "out_of_memory",
    "permission_denied",
    "read_only",
    "serialization_failure",
    "shutdown",
    "statement_timeout",
    "too_many_clients",
    "unique_violation",
];

/// An earlier statement of the transaction has failed, which was counted.
const FOLLOW_UP: &str = "aborted";

/// How messages begin, and the classes that they are of.
const MESSAGES: [(&str, &str); 15] = [
    ("deadlock detected", "deadlock"),
    ("canceling statement due to lock timeout", "lock_timeout"),
    ("canceling statement due to statement timeout", "statement_timeout"),
    ("canceling statement", "cancelled"),
    ("current transaction is aborted", FOLLOW_UP),
    ("terminating connection", "shutdown"),
    ("the database system is", "shutdown"),
    ("could not extend file", "disk_full"),
    ("sorry, too many clients already", "too_many_clients"),
    ("remaining connection slots are reserved", "too_many_clients"),
    ("too many connections", "too_many_clients"),
    ("out of memory", "out_of_memory"),
    ("out of shared memory", "out_of_memory"),
    ("permission denied", "permission_denied"),
    ("must be owner", "permission_denied"),
];

fn by_message(message: &str) -> &'static str {
    let class = MESSAGES.iter().find(|(begin, _)| message.starts_with(begin)).map(|(_, class)| *class);
    class.unwrap_or(if message.contains("No space left on device") { "disk_full" } else { "database" })
}

/// Whether the error only says that an earlier statement of the transaction has failed.
pub(super) fn is_follow_up(error: &Error) -> bool {
    class_of(error) == FOLLOW_UP
}

/// Whether PostgreSQL reported the error of a statement, so that its transaction was aborted before anything that was
/// sent after it. What ends the whole session may have come later.
pub(crate) fn aborts_transaction(error: &Error) -> bool {
    !matches!(class_of(error), "closed_connection" | "other" | "shutdown")
}

/// Whether waiting, or another attempt, is all it takes: nothing is broken.
pub(super) fn is_passing(error: &Error) -> bool {
    matches!(
        class_of(error),
        "deadlock" | "serialization_failure" | "lock_timeout" | "statement_timeout" | "cancelled" | "closed_connection"
    )
}

/// Whether another session had a lock for too long.
pub(super) fn is_lock_timeout(error: &Error) -> bool {
    class_of(error) == "lock_timeout"
}

/// The error, which says in which statement it happened and of which class it is, unless it is one that callers tell
/// from others.
pub(super) fn explained(error: Error, statement: &'static str) -> Error {
    let class = class_of(&error);
    match error {
        Error::DatabaseError(
            kind @ (DatabaseErrorKind::Unknown | DatabaseErrorKind::ReadOnlyTransaction),
            information,
        ) => {
            let message = format!("{} ({class} in {statement})", information.message());
            Error::DatabaseError(kind, Box::new(Explained { message, information }))
        }
        error => error,
    }
}

struct Explained {
    message: String,
    information: Box<dyn DatabaseErrorInformation + Send + Sync>,
}

impl DatabaseErrorInformation for Explained {
    fn message(&self) -> &str {
        &self.message
    }

    fn details(&self) -> Option<&str> {
        self.information.details()
    }

    fn hint(&self) -> Option<&str> {
        self.information.hint()
    }

    fn table_name(&self) -> Option<&str> {
        self.information.table_name()
    }

    fn column_name(&self) -> Option<&str> {
        self.information.column_name()
    }

    fn constraint_name(&self) -> Option<&str> {
        self.information.constraint_name()
    }

    fn statement_position(&self) -> Option<i32> {
        self.information.statement_position()
    }
}

/// The outcomes of statements that were sent together in one transaction, in their order. Most of those after the first
/// that fails only report that the transaction is aborted, and so may one before it: what still had to be prepared runs
/// later than it was sent.
#[derive(Default)]
pub(crate) struct Failures(Vec<Error>);

impl Failures {
    /// The statement's result; `None` if it failed.
    pub(crate) fn take<T>(&mut self, outcome: Result<T, Error>) -> Option<T> {
        outcome.map_err(|error| self.0.push(error)).ok()
    }

    /// The cause of all, if there is one.
    pub(crate) fn first(mut self) -> Option<Error> {
        let cause = self.0.iter().position(|error| !is_follow_up(error)).unwrap_or_default();
        (!self.0.is_empty()).then(|| self.0.swap_remove(cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(message: &str) -> Error {
        Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned()))
    }

    #[test]
    fn errors_are_told_apart() {
        for (message, class) in [
            ("canceling statement due to lock timeout", "lock_timeout"),
            ("canceling statement due to statement timeout", "statement_timeout"),
            ("canceling statement due to user request", "cancelled"),
            ("deadlock detected", "deadlock"),
            ("could not extend file \"base/5/16397\": No space left on device", "disk_full"),
            ("could not write to file \"pg_wal/xlogtemp.1\": No space left on device", "disk_full"),
            ("terminating connection due to administrator command", "shutdown"),
            ("too many connections for role \"comanda\"", "too_many_clients"),
            ("relation \"orders\" does not exist", "database"),
        ] {
            assert_eq!(class_of(&failed(message)), class);
            let explained = explained(failed(message), "order.place.lock_stock");
            assert_eq!(class_of(&explained), class, "{explained}");
            assert_eq!(explained.to_string(), format!("{message} ({class} in order.place.lock_stock)"));
        }
        assert_eq!(class_of(&Error::NotFound), "other");
    }

    #[test]
    fn every_class_is_counted_from_0() {
        use DatabaseErrorKind::{
            CheckViolation, ClosedConnection, ForeignKeyViolation, NotNullViolation, ReadOnlyTransaction,
            SerializationFailure, UnableToSendCommand, UniqueViolation,
        };
        let kinds = [
            CheckViolation,
            ClosedConnection,
            ForeignKeyViolation,
            NotNullViolation,
            ReadOnlyTransaction,
            SerializationFailure,
            UnableToSendCommand,
            UniqueViolation,
        ];
        let by_kind = kinds.map(|kind| class_of(&Error::DatabaseError(kind, Box::new(String::new()))));
        let by_message = MESSAGES.map(|(begin, _)| class_of(&failed(begin)));
        let others = [class_of(&Error::NotFound), class_of(&failed("No space left on device"))];
        let mut classes: Vec<_> = by_kind.into_iter().chain(by_message).chain(others).collect();
        classes.sort_unstable();
        classes.dedup();
        classes.retain(|class| *class != FOLLOW_UP);
        assert_eq!(classes, CLASSES);
    }

    #[test]
    fn of_the_failures_in_a_transaction_the_cause_is_reported() {
        let aborted = || failed("current transaction is aborted, commands ignored until end of transaction block");
        let mut failures = Failures::default();
        assert_eq!(failures.take(Ok(7)), Some(7));
        for error in [aborted(), failed("canceling statement due to lock timeout"), aborted()] {
            assert_eq!(failures.take(Err::<(), _>(error)), None);
        }
        assert_eq!(failures.first().unwrap().to_string(), "canceling statement due to lock timeout");
        let mut failures = Failures::default();
        failures.take(Err::<(), _>(aborted()));
        assert!(is_follow_up(&failures.first().unwrap()));
        assert!(Failures::default().first().is_none());
    }
}
