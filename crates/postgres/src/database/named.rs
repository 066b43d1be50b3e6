//! Named statements: each gets a span, and metrics of its duration, the rows that it returned or changed, and its
//! errors.
//!
//! There are few names, and each says what its statement is for: they are `OpenTelemetry`'s `db.query.summary`
//! (<https://opentelemetry.io/docs/specs/semconv/database/>).

use std::time::Instant;

use diesel::{QueryResult, result::Error};
use metrics::{counter, histogram};
use tracing::Instrument;

use super::{
    failure_class::{class_of, explained, is_follow_up},
    slow_statements::watched,
};

/// Names a statement that is about to run.
pub(crate) trait Named<T>: Future<Output = QueryResult<T>> + Sized {
    /// For a statement that returns one row, or none.
    fn one(self, name: &'static str) -> impl Future<Output = QueryResult<T>> {
        measured(name, self, |_| 1)
    }

    /// For a statement that changes rows.
    fn changes(self, name: &'static str) -> impl Future<Output = QueryResult<T>>
    where
        T: Into<usize> + Copy,
    {
        measured(name, self, |changed| (*changed).into())
    }
}

impl<T, F: Future<Output = QueryResult<T>>> Named<T> for F {}

/// The same, for a statement that returns rows.
pub(crate) trait NamedRows<T>: Future<Output = QueryResult<Vec<T>>> + Sized {
    fn rows(self, name: &'static str) -> impl Future<Output = QueryResult<Vec<T>>> {
        measured(name, self, Vec::len)
    }
}

impl<T, F: Future<Output = QueryResult<Vec<T>>>> NamedRows<T> for F {}

async fn measured<T>(
    name: &'static str,
    statement: impl Future<Output = QueryResult<T>>,
    rows: impl FnOnce(&T) -> usize,
) -> QueryResult<T> {
    let span = tracing::debug_span!(
        "statement",
        otel.name = name,
        otel.kind = "client",
        db.system.name = "postgresql",
        db.query.summary = name
    );
    let begin = Instant::now();
    let (outcome, sent) = watched(statement.instrument(span)).await;
    let took = begin.elapsed();
    histogram!("db_client_operation_duration_seconds", "db_query_summary" => name).record(took.as_secs_f64());
    match &outcome {
        Ok(found) => {
            counter!("comanda_statement_rows_total", "db_query_summary" => name).increment(rows(found) as u64);
        }
        Err(Error::NotFound) => {}
        // The statement that is to blame was counted.
        Err(error) if is_follow_up(error) => {}
        Err(error) => {
            let labels = [("db_query_summary", name), ("error_type", class_of(error))];
            counter!("comanda_statement_errors_total", &labels).increment(1);
        }
    }
    if let Some(sent) = sent {
        sent.took(name, took);
    }
    outcome.map_err(|error| explained(error, name))
}
