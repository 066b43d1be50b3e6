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
/// the waiting is dropped, and the transaction as a whole is limited in time, however many statements it takes. If it
/// panics, so does whoever waits.
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
    let work = comanda_task::caught(comanda_deadline::carried(bounded)).in_current_span();
    match comanda_task::finished(database.runtime().spawn(work)).await {
        Ok(outcome) => outcome,
        Err(join_error) => Err(Unavailable::new(join_error).into()),
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::Currency;
    use comanda_tests::TestDatabase;
    use diesel_async::SimpleAsyncConnection;

    use super::*;
    use crate::DatabaseConfig;

    #[tokio::test]
    async fn whoever_waits_for_a_transaction_panics_with_it_and_nothing_of_it_is_left() {
        let tables = TestDatabase::migrated().await;
        let limit = Duration::from_secs(5);
        let config = DatabaseConfig {
            url: tables.url.parse().unwrap(),
            currency: Currency::EUR,
            replica_url: None,
            replica_lag: Duration::ZERO,
            write_connections: 1,
            read_connections: 1,
            free_read_connections: 0,
            wait_for_connection: limit,
            transaction_limit: limit,
            read_limit: limit,
            report_limit: limit,
            slow_statement: limit,
        };
        let database = Database::connect(config).await.unwrap();
        let panicking = {
            let database = database.clone();
            tokio::spawn(async move {
                let work = async |connection: &mut AsyncPgConnection| -> Result<(), Failure<Unavailable>> {
                    connection.batch_execute("CREATE TABLE half_done ()").await?;
                    panic!("in this test")
                };
                database.transaction(work).await
            })
        };
        let panic = panicking.await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref(), Some(&"in this test"));

        let next = async |connection: &mut AsyncPgConnection| -> Result<(), Failure<Unavailable>> {
            Ok(connection.batch_execute("CREATE TABLE half_done ()").await?)
        };
        database.transaction(next).await.unwrap();
    }
}
