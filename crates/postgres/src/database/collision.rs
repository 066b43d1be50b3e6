//! Transactions that PostgreSQL ended for the sake of others.

use std::error::Error as StdError;

use diesel::{
    QueryResult,
    dsl::sql,
    result::{DatabaseErrorKind, Error},
    sql_types::Text,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::named::Named;

/// Whether a statement failed because of what other transactions did at the same time: nothing is broken, and the
/// transaction may be run again.
pub(super) fn is_collision(error: &Error) -> bool {
    is_deadlock(error) || matches!(error, Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _))
}

/// Diesel keeps the codes of a few errors, and of this one the message alone (see [`warn_of_other_language`]).
fn is_deadlock(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(_, information) if information.message().starts_with("deadlock detected"))
}

/// Warns of a PostgreSQL that speaks another language: its deadlocks are reported as failures, among others.
pub(super) async fn warn_of_other_language(connection: &mut AsyncPgConnection) -> QueryResult<()> {
    let language: String = diesel::select(sql::<Text>("current_setting('lc_messages')"))
        .get_result(connection)
        .one("database.language")
        .await?;
    if !is_english(&language) {
        tracing::warn!(
            lc_messages = language,
            "PostgreSQL reports errors in a language in which they are not told apart: transactions that collide fail, \
             and metrics and alerts name no cause; set lc_messages to C"
        );
    }
    Ok(())
}

fn is_english(lc_messages: &str) -> bool {
    matches!(lc_messages, "C" | "POSIX") || lc_messages.starts_with("C.") || lc_messages.starts_with("en")
}

/// An error that may have been caused by a failed statement.
pub(crate) trait MayCollide {
    /// Whether it was caused by a collision with another transaction.
    fn is_collision(&self) -> bool;
}

impl<E: StdError + 'static> MayCollide for E {
    fn is_collision(&self) -> bool {
        let this: &(dyn StdError + 'static) = self;
        let causes = std::iter::successors(Some(this), |error| (*error).source());
        causes.filter_map(|error| error.downcast_ref()).any(is_collision)
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::{CancelOrderError, Unavailable};

    use super::*;

    fn failed(kind: DatabaseErrorKind, message: &str) -> Error {
        Error::DatabaseError(kind, Box::new(message.to_owned()))
    }

    #[test]
    fn languages_in_which_deadlocks_are_recognized_are_told_from_others() {
        let known = ["C", "POSIX", "C.UTF-8", "en_US.UTF-8", "en_GB", "english_usa"].map(is_english);
        let others = ["", "de_DE.UTF-8", "es_ES", "ca_ES", "Cs_CZ"].map(is_english);
        assert_eq!((known, others), ([true; 6], [false; 5]));
    }

    #[test]
    fn a_collision_is_recognized_behind_the_errors_of_a_port() {
        for (error, collides) in [
            (failed(DatabaseErrorKind::Unknown, "deadlock detected"), true),
            (failed(DatabaseErrorKind::SerializationFailure, "could not serialize access"), true),
            (failed(DatabaseErrorKind::Unknown, "canceling statement due to lock timeout"), false),
            (failed(DatabaseErrorKind::UniqueViolation, "duplicate key value"), false),
        ] {
            let cause = error.to_string();
            assert_eq!(CancelOrderError::from(Unavailable::new(error)).is_collision(), collides, "{cause}");
        }
        assert!(!CancelOrderError::NotFound.is_collision());
    }
}
