//! Transactions that run to their end, whoever is still waiting for them.

use std::{error::Error, future::Future, time::Duration};

use comanda_domain::ports::Unavailable;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use thiserror::Error;
use tracing::Instrument;

use super::{Database, collision::MayCollide, connections::in_time, transaction_failure::Failure};

/// The transaction was given up; its connection is closed, which rolls it back.
#[derive(Debug, Error)]
#[error("the transaction took longer than {0:?}")]
struct TransactionTooLong(Duration);

/// An async closure whose future can be sent to another thread, which `AsyncFnOnce` alone cannot demand of it
/// (`diesel_async` bounds its own transactions in the same way).
pub(crate) trait Work<T, R>: AsyncFnOnce(T) -> R + FnOnce(T) -> <Self as Work<T, R>>::Running {
    type Running: Future<Output = R>;
}

impl<F, T, R, Running> Work<T, R> for F
where
    F: AsyncFnOnce(T) -> R + FnOnce(T) -> Running,
    Running: Future<Output = R>,
{
    type Running = Running;
}

impl Database {
    /// Runs `work` in a transaction (see [`run_transaction`]) on a connection for writes, in a task of its own (see
    /// [`spawn_transaction`]), and commits what it returned `Ok` for. A failed statement becomes `Unavailable`.
    pub(crate) async fn transaction<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: Error + From<Unavailable> + Send + 'static,
        for<'c> F: AsyncFnOnce(&'c mut AsyncPgConnection) -> Result<T, Failure<E>>
            + Work<&'c mut AsyncPgConnection, Result<T, Failure<E>>, Running: Send>
            + Clone
            + Send
            + 'static,
    {
        let database = self.clone();
        spawn_transaction(self, async move {
            let mut connection = database.connection().await?;
            run_transaction(&mut connection, work).await.map_err(|failure: Failure<E>| failure.0)
        })
        .await
    }
}

/// Runs `work` in a transaction, and again when it collided with another one: whatever the order in which locks are
/// taken, PostgreSQL may have to end one of those that wait for each other. The caller limits the time of all attempts
/// together.
pub(crate) async fn run_transaction<T, E, F>(connection: &mut AsyncPgConnection, work: F) -> Result<T, E>
where
    T: Send,
    E: MayCollide + From<diesel::result::Error> + Send,
    for<'c> F: AsyncFnOnce(&'c mut AsyncPgConnection) -> Result<T, E>
        + Work<&'c mut AsyncPgConnection, Result<T, E>, Running: Send>
        + Clone
        + Send,
{
    loop {
        match connection.transaction(work.clone()).await {
            Err(error) if error.is_collision() => {
                tracing::info!("a transaction collided with another one; it runs again");
                tokio::task::yield_now().await;
            }
            outcome => return outcome,
        }
    }
}

/// Runs a transaction in a task of its own. When a client hangs up, its request is dropped where it stands; a
/// transaction that was dropped with it could be left open on a pooled connection (`diesel_async` issue 198). Here only
/// the waiting is dropped, and the transaction as a whole is limited in time, however many statements it takes.
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
