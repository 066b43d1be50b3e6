//! Whether the state of a session is the session's own.
//!
//! Time limits are settings of a connection, prepared statements belong to it, and so do the advisory locks that leases
//! and migrations are. A pooler such as `PgBouncer` that lends connections by transaction or by statement spreads all
//! of it over whoever comes next, silently.

use std::{error::Error, time::Duration};

use thiserror::Error;
use tokio_postgres::{Client, SimpleQueryMessage, error::SqlState};

use super::{DatabaseUrl, connection_failed::ConnectionFailed};

/// How long the connections may take to show it, all attempts together.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is attempted while connections fail, and the pauses in between.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(300);

/// Between two transactions of others a connection may happen to come back to the session that it was taken from.
const ROUNDS: u32 = 3;

/// What `PgBouncer` says to a `BEGIN` when it lends connections by statement. Its code says nothing: it has one for
/// whatever is wrong, such as a database that cannot be reached, or a full pool.
const NO_TRANSACTIONS: &str = "transaction blocks not allowed";

/// Why the state of a session is not known to be its own.
#[derive(Debug, Error)]
enum NotItsOwn {
    /// Somebody else has it, too, or it is gone.
    #[error("it is shared")]
    Shared,
    /// The connections failed: this is for the caller's own to find out.
    #[error(transparent)]
    Unknown(#[from] tokio_postgres::Error),
    /// There is none, which has been logged.
    #[error(transparent)]
    Unreachable(#[from] ConnectionFailed),
}

/// Connections are lent by transaction or by statement.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "connections to {addresses} lose their settings and locks: a pooler in between, such as PgBouncer, lends them by \
     transaction or by statement. Let it pool by session (pool_mode = session), or connect without it"
)]
pub struct SharedSessions {
    /// Where they lead, without the user and the password.
    addresses: String,
}

/// Fails if the database is reached through a pooler that lends connections for less than a session. `Ok`, and a
/// warning, if nothing can be found out: whoever needs a connection learns why there is none.
pub(super) async fn ensure_sessions_are_kept(url: &DatabaseUrl) -> Result<(), SharedSessions> {
    let addresses = url.addresses();
    match tokio::time::timeout(PATIENCE, compare_repeatedly(url)).await {
        Ok(Err(NotItsOwn::Shared)) => return Err(SharedSessions { addresses: addresses.to_owned() }),
        Ok(Err(NotItsOwn::Unknown(error))) => tracing::warn!(
            addresses,
            error = &error as &(dyn Error + 'static),
            "it is not known whether a pooler lends connections by session"
        ),
        Err(late) => tracing::warn!(
            addresses,
            error = &late as &(dyn Error + 'static),
            "it is not known whether a pooler lends connections by session"
        ),
        Ok(Ok(()) | Err(NotItsOwn::Unreachable(_))) => {}
    }
    Ok(())
}

/// A pooler may have lost the database for a moment, or have no connection left for one.
async fn compare_repeatedly(url: &DatabaseUrl) -> Result<(), NotItsOwn> {
    for _ in 1..ATTEMPTS {
        match compare(url).await {
            Err(error @ (NotItsOwn::Unknown(_) | NotItsOwn::Unreachable(_))) => {
                tracing::debug!(addresses = url.addresses(), %error, "sessions cannot be compared");
                tokio::time::sleep(PAUSE).await;
            }
            found => return found,
        }
    }
    compare(url).await
}

/// Two sessions mark themselves, and look for their marks while the other one is within a transaction and after it.
/// Simple queries only: a pooler may lose prepared statements.
async fn compare(url: &DatabaseUrl) -> Result<(), NotItsOwn> {
    let (one, other) = (Session::open(url, "one").await?, Session::open(url, "other").await?);
    if one.process == other.process {
        return Err(NotItsOwn::Shared);
    }
    for _ in 0..ROUNDS {
        for (first, second) in [(&one, &other), (&other, &one)] {
            first.begin().await?;
            second.ensure_kept().await?;
            first.ensure_kept().await?;
            first.run("COMMIT").await?;
        }
    }
    Ok(())
}

struct Session {
    client: Client,
    name: &'static str,
    /// Its process at the database.
    process: String,
}

impl Session {
    async fn open(url: &DatabaseUrl, name: &'static str) -> Result<Self, NotItsOwn> {
        let (client, wire) = url.connect().await?;
        tokio::spawn(wire);
        let mut session = Self { client, name, process: String::new() };
        session.run(&format!("SET comanda.session = '{name}'")).await?;
        session.process = session.look().await?.0;
        Ok(session)
    }

    /// A pooler that lends connections by statement refuses transactions itself.
    async fn begin(&self) -> Result<(), NotItsOwn> {
        match self.client.batch_execute("BEGIN").await {
            Err(error) if is_refusal_of_transactions(&error) => Err(NotItsOwn::Shared),
            done => Ok(done?),
        }
    }

    async fn run(&self, statement: &str) -> Result<(), NotItsOwn> {
        Ok(self.client.batch_execute(statement).await?)
    }

    /// The process and the mark of the session that this one has at the moment.
    async fn look(&self) -> Result<(String, String), NotItsOwn> {
        // Of several hosts, two may have given the same number to a process.
        let look = "SELECT pg_backend_pid() || ' since ' || pg_postmaster_start_time(), \
                           current_setting('comanda.session', true)";
        let seen = self.client.simple_query(look).await?.into_iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((row.get(0).unwrap_or_default().to_owned(), row.get(1).unwrap_or_default().to_owned()))
            }
            _ => None,
        });
        Ok(seen.unwrap_or_default())
    }

    async fn ensure_kept(&self) -> Result<(), NotItsOwn> {
        let (process, name) = self.look().await?;
        if process == self.process && name == self.name { Ok(()) } else { Err(NotItsOwn::Shared) }
    }
}

fn is_refusal_of_transactions(error: &tokio_postgres::Error) -> bool {
    error
        .as_db_error()
        .is_some_and(|error| *error.code() == SqlState::PROTOCOL_VIOLATION && error.message().contains(NO_TRANSACTIONS))
}
