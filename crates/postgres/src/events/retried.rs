use comanda_domain::{
    Timestamp,
    ports::{DueEvent, RetryOutcome, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::database::{Database, Named, schema::outbox_retries};

/// What an attempt that failed changes; `None` leaves a column as it is.
#[derive(AsChangeset)]
#[diesel(table_name = outbox_retries)]
struct FailedAttempt {
    next_at: Option<Timestamp>,
    is_dead: Option<bool>,
    last_error: Option<String>,
}

/// A retry as it was taken. Its id alone may stand for another one after a failover that lost it.
pub(super) struct Taken {
    id: i64,
    event: i64,
    until: Timestamp,
}

impl From<&DueEvent> for Taken {
    fn from(due: &DueEvent) -> Self {
        Self { id: due.id, event: due.event.id, until: due.taken_until }
    }
}

pub(super) async fn retried(database: &Database, taken: Taken, outcome: RetryOutcome) -> Result<(), Unavailable> {
    let mut connection = database.connection().await?;
    let retry =
        outbox_retries::table.filter(outbox_retries::id.eq(taken.id).and(outbox_retries::event_id.eq(taken.event)));
    let (attempts, changes) = match outcome {
        RetryOutcome::Delivered => {
            // Whoever has taken it again since, after a receiver was slower than the lease: it is delivered.
            let deleted = diesel::delete(retry).execute(&mut *connection).changes("outbox.retried").await;
            return deleted.map(|_| ()).map_err(Unavailable::new);
        }
        RetryOutcome::Later { next_at, error } => {
            (1, FailedAttempt { next_at: Some(next_at), is_dead: None, last_error: Some(error) })
        }
        RetryOutcome::Dead { error } => {
            (1, FailedAttempt { next_at: None, is_dead: Some(true), last_error: Some(error) })
        }
        RetryOutcome::PutOff { until } => (0, FailedAttempt { next_at: Some(until), is_dead: None, last_error: None }),
    };
    diesel::update(retry.filter(outbox_retries::taken_until.eq(taken.until)))
        .set((
            outbox_retries::attempts.eq(outbox_retries::attempts + attempts),
            outbox_retries::taken_until.eq(None::<Timestamp>),
            changes,
        ))
        .execute(&mut *connection)
        .changes("outbox.retried")
        .await
        .map(|_| ())
        .map_err(Unavailable::new)
}
