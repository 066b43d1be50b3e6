//! Work that goes on when nobody waits for it any more.

use std::{future::Future, time::Duration};

use comanda_domain::ports::Unavailable;
use thiserror::Error;
use tracing::Instrument;

use super::{Database, connections::in_time};

/// The transaction was given up; its connection is closed, which rolls it back.
#[derive(Debug, Error)]
#[error("the transaction took longer than {0:?}")]
struct TransactionTooLong(Duration);

/// Runs a transaction in a task of its own. A request whose client hangs up is dropped where it stands; a transaction that was
/// dropped with it could be left open on a pooled connection (`diesel_async` issue 198). Here only the waiting is dropped, and
/// the transaction as a whole has an end, however many statements it takes.
pub(crate) async fn spawn_transaction<T, E>(
    database: &Database,
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Unavailable> + Send + 'static,
{
    let limit = in_time(database.transaction_limit());
    let bounded = async move {
        let outcome = tokio::time::timeout(limit, work).await;
        outcome.unwrap_or_else(|_| Err(Unavailable::new(TransactionTooLong(limit)).into()))
    };
    match database.runtime().spawn(comanda_deadline::carried(bounded).in_current_span()).await {
        Ok(outcome) => outcome,
        Err(join_error) => Err(Unavailable::new(join_error).into()),
    }
}
