//! Writing to menu items and supplies on condition that nobody else has written to them since they were read.

use std::error::Error;

use comanda_domain::ports::{Unavailable, UnreadableRecord};
use diesel_async::AsyncPgConnection;
use thiserror::Error as ThisError;

use crate::database::{Database, Failure, MayCollide, Work, run_transaction, spawn_transaction};

/// Why an attempt was rolled back.
pub(crate) enum Setback<E> {
    /// Another writer raised the version between the read and the write: read again.
    Conflict,
    /// The error that the caller gets.
    Refused(E),
}

impl<E: From<Unavailable>> From<diesel::result::Error> for Setback<E> {
    fn from(error: diesel::result::Error) -> Self {
        Self::Refused(Unavailable::new(error).into())
    }
}

impl<E: From<Unavailable>> From<Unavailable> for Setback<E> {
    fn from(error: Unavailable) -> Self {
        Self::Refused(error.into())
    }
}

impl<E: From<Unavailable>> From<UnreadableRecord> for Setback<E> {
    fn from(error: UnreadableRecord) -> Self {
        Self::Refused(Unavailable::from(error).into())
    }
}

impl<E> From<Failure<E>> for Setback<E> {
    fn from(failure: Failure<E>) -> Self {
        Self::Refused(failure.0)
    }
}

impl<E: Error + 'static> MayCollide for Setback<E> {
    fn is_collision(&self) -> bool {
        match self {
            Self::Conflict => false,
            Self::Refused(error) => error.is_collision(),
        }
    }
}

/// Other writers were faster, each time.
#[derive(Debug, ThisError)]
#[error("gave way to other writers {LOCKED_ATTEMPTS} times with its rows locked")]
struct GaveWay;

/// Locked rows do not change. Only names can be taken meanwhile, which other writers do once or twice; more often it is
/// something else that no attempt will change, and that must not hold the locks until the time is up.
const LOCKED_ATTEMPTS: usize = 3;

/// How an attempt reads the rows that it is about to change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadMode {
    /// Takes no lock, so that nobody waits for a writer that only reads. Comes first.
    Unlocked,
    /// Queues for the rows' locks. When it sells without pause, an unlocked read is out of date by the time of
    /// the write, every time; only by queueing does an editor get through.
    Locked,
}

/// Attempts a write, each time in a transaction of its own, until it no longer conflicts with another writer. The
/// second attempt locks what it reads, so it is the last one, unless a name was taken meanwhile. The time limit of a
/// transaction holds for all attempts together.
pub(crate) async fn write<T, E, F>(database: &Database, attempt: F) -> Result<T, E>
where
    T: Send + 'static,
    E: Error + From<Unavailable> + Send + 'static,
    for<'c> F: AsyncFnOnce((&'c mut AsyncPgConnection, ReadMode)) -> Result<T, Setback<E>>
        + Work<(&'c mut AsyncPgConnection, ReadMode), Result<T, Setback<E>>, Running: Send>
        + Clone
        + Send
        + 'static,
{
    let own = database.clone();
    spawn_transaction(database, async move {
        let mut connection = own.connection().await?;
        let unlocked = std::iter::once(ReadMode::Unlocked);
        for mode in unlocked.chain([ReadMode::Locked; LOCKED_ATTEMPTS]) {
            let attempt = attempt.clone();
            let attempted = run_transaction(&mut connection, async move |connection: &mut AsyncPgConnection| {
                attempt((connection, mode)).await
            })
            .await;
            match attempted {
                Ok(written) => return Ok(written),
                Err(Setback::Conflict) => {}
                Err(Setback::Refused(error)) => return Err(error),
            }
        }
        Err(Unavailable::new(GaveWay).into())
    })
    .await
}
