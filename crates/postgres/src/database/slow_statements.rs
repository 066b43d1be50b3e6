//! Logs slow statements with their generic plan. The plan that actually ran would show the values that it was made for,
//! such as addresses and notes; it belongs to `auto_explain`, in `PostgreSQL`'s own log.

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use diesel::{
    connection::{Instrumentation, InstrumentationEvent},
    result::Error,
    sql_query,
    sql_types::{Integer, Text},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use thiserror::Error;
use tokio::sync::Semaphore;
use tracing::Instrument;

use super::{DatabaseUrl, establish::establish};

/// The least time between two explanations of the same statement: in a bad minute every statement is slow.
const EXPLAIN_INTERVAL: Duration = Duration::from_mins(1);

/// How long explaining a statement may take.
const EXPLAIN_TIMEOUT: Duration = Duration::from_secs(5);

tokio::task_local! {
    /// The statement that is running, once it has been sent.
    static SENT: RefCell<Option<Sent>>;
}

/// A statement's text, without its values, and the kind of connection that it was sent on.
pub(crate) struct Sent {
    sql: String,
    origin: Arc<Origin>,
}

/// The database of a connection and its settings: plans depend on both.
pub(crate) struct Origin {
    pub(crate) url: DatabaseUrl,
    pub(crate) setup: String,
    /// Whether its connections are there to write.
    pub(crate) writes: bool,
    pub(crate) slow_statements: Arc<SlowStatements>,
}

/// The slow statements of one database.
pub(crate) struct SlowStatements {
    limit: Duration,
    explained: Mutex<HashMap<&'static str, Instant>>,
    one_at_a_time: Semaphore,
}

/// Why there is no plan.
#[derive(Debug, Error)]
enum NoPlan {
    #[error(transparent)]
    Connection(#[from] diesel::ConnectionError),
    #[error(transparent)]
    Statement(#[from] diesel::result::Error),
    #[error("explaining it took too long")]
    TooLate(#[from] tokio::time::error::Elapsed),
}

impl SlowStatements {
    /// Statements are slow that take longer than `limit`.
    pub(crate) fn longer_than(limit: Duration) -> Arc<Self> {
        Arc::new(Self { limit, explained: Mutex::default(), one_at_a_time: Semaphore::new(1) })
    }

    /// Says whether to explain this statement now.
    fn is_due(&self, name: &'static str) -> bool {
        let mut explained = self.explained.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let is_due = explained.get(name).is_none_or(|last| now - *last > EXPLAIN_INTERVAL);
        if is_due {
            explained.insert(name, now);
        }
        is_due
    }
}

/// Reports to [`watched`] what its connection has sent.
pub(crate) struct Listener {
    origin: Arc<Origin>,
    /// The connection's current setting; `None` while it is unknown.
    pub(crate) statement_timeout: Option<Duration>,
    /// Before the session began.
    opened_at: Instant,
    is_unfit: bool,
}

impl Listener {
    /// Whether the session can be used again.
    pub(super) fn is_fit(&self) -> bool {
        // Those that only read are as good as before if they can do nothing else.
        !self.is_unfit && (!self.origin.writes || self.origin.url.fitness().trusts(self.opened_at))
    }

    /// As if a statement had failed with this error.
    pub(super) fn judge(&mut self, error: &Error) {
        self.is_unfit |= !self.origin.url.fitness().judge(error);
    }
}

impl Instrumentation for Listener {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::FinishQuery { query, error, .. } = event {
            if let Some(error) = error {
                self.judge(error);
            }
            // Fails for statements without a name, which nobody watches.
            let _ = SENT.try_with(|sent| {
                *sent.borrow_mut() = Some(Sent { sql: query.to_string(), origin: Arc::clone(&self.origin) });
            });
        }
    }
}

/// Runs a statement, and returns its text, if it was sent, besides its outcome.
pub(crate) async fn watched<T>(statement: impl Future<Output = T>) -> (T, Option<Sent>) {
    let watch = async {
        let outcome = statement.await;
        (outcome, SENT.with(RefCell::take))
    };
    SENT.scope(RefCell::new(None), watch).await
}

impl Sent {
    /// Logs the statement if it was slow, and has it explained if that is due.
    pub(crate) fn took(self, name: &'static str, time: Duration) {
        let slow_statements = &self.origin.slow_statements;
        if time <= slow_statements.limit {
            return;
        }
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(statement = name, milliseconds, "a slow statement");
        if self.has_plan() && slow_statements.is_due(name) {
            tokio::spawn(self.explain(name).in_current_span());
        }
    }

    fn has_plan(&self) -> bool {
        let first = self.sql.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        ["SELECT", "WITH", "INSERT", "UPDATE", "DELETE"].contains(&first.as_str())
    }

    async fn explain(self, name: &'static str) {
        let Ok(_permit) = self.origin.slow_statements.one_at_a_time.acquire().await else { return };
        match tokio::time::timeout(EXPLAIN_TIMEOUT, self.plan()).await.map_err(NoPlan::from).flatten() {
            Ok(plan) => tracing::warn!(statement = name, plan, "the plan of a slow statement"),
            Err(error) => tracing::warn!(statement = name, %error, "a slow statement could not be explained"),
        }
    }

    /// What `EXPLAIN (GENERIC_PLAN)` prints from `PostgreSQL` 16 on, by means that older versions have, too.
    async fn plan(&self) -> Result<String, NoPlan> {
        let mut connection = establish(&self.origin.url, &self.origin.setup).await?;
        let prepare = format!("SET plan_cache_mode = force_generic_plan; PREPARE slow AS {}", self.sql);
        connection.batch_execute(&prepare).await?;
        let parameters =
            "SELECT cardinality(parameter_types) AS parameters FROM pg_prepared_statements WHERE name = 'slow'";
        let Prepared { parameters } = sql_query(parameters).get_result(&mut connection).await?;
        let values = vec!["NULL"; usize::try_from(parameters).unwrap_or_default()].join(", ");
        let values = if values.is_empty() { values } else { format!("({values})") };
        let lines: Vec<PlanLine> =
            sql_query(format!("EXPLAIN EXECUTE slow{values}")).load::<PlanLine>(&mut connection).await?;
        Ok(lines.into_iter().map(|line| line.text).collect::<Vec<_>>().join("\n"))
    }
}

#[derive(diesel::QueryableByName)]
struct Prepared {
    #[diesel(sql_type = Integer)]
    parameters: i32,
}

#[derive(diesel::QueryableByName)]
struct PlanLine {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    text: String,
}

/// A connection whose statements are watched.
pub(crate) async fn establish_watched(origin: Arc<Origin>) -> diesel::ConnectionResult<AsyncPgConnection> {
    let opened_at = Instant::now();
    let mut connection = establish(&origin.url, &origin.setup).await?;
    connection.set_instrumentation(Listener { origin, statement_timeout: None, opened_at, is_unfit: false });
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use diesel::result::DatabaseErrorKind::ReadOnlyTransaction;

    use super::*;

    #[test]
    fn sessions_that_only_read_outlast_a_database_that_cannot_be_written_to() {
        let url: DatabaseUrl = "postgres://localhost/comanda".parse().unwrap();
        let session = |writes| {
            let slow_statements = SlowStatements::longer_than(Duration::from_secs(1));
            let origin = Arc::new(Origin { url: url.clone(), setup: String::new(), writes, slow_statements });
            Listener { origin, statement_timeout: None, opened_at: Instant::now(), is_unfit: false }
        };
        let (reading, writing, mut failing) = (session(false), session(true), session(true));
        assert!(reading.is_fit() && writing.is_fit());
        failing.judge(&Error::DatabaseError(ReadOnlyTransaction, Box::new("cannot execute INSERT".to_owned())));
        assert!(reading.is_fit() && !writing.is_fit() && !failing.is_fit());
    }
}
