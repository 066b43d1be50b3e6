use comanda_domain::{
    Timestamp,
    ports::{RetryOutcome, Unavailable},
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
    last_error: String,
}

pub(super) async fn retried(database: &Database, id: i64, outcome: RetryOutcome) -> Result<(), Unavailable> {
    let mut connection = database.connection().await?;
    let retry = outbox_retries::table.find(id);
    let failed = match outcome {
        RetryOutcome::Delivered => {
            let deleted = diesel::delete(retry).execute(&mut *connection).changes("outbox.retried").await;
            return deleted.map(|_| ()).map_err(Unavailable::new);
        }
        RetryOutcome::Later { next_at, error } => {
            FailedAttempt { next_at: Some(next_at), is_dead: None, last_error: error }
        }
        RetryOutcome::Dead { error } => FailedAttempt { next_at: None, is_dead: Some(true), last_error: error },
    };
    diesel::update(retry)
        .set((
            outbox_retries::attempts.eq(outbox_retries::attempts + 1),
            outbox_retries::taken_until.eq(None::<Timestamp>),
            failed,
        ))
        .execute(&mut *connection)
        .changes("outbox.retried")
        .await
        .map(|_| ())
        .map_err(Unavailable::new)
}
