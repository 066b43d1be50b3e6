//! Flushing the log of the database.

use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};

use super::named::Named;

/// Writes nothing that anybody reads, in a transaction of its own, or in the caller's.
const FLUSH: &str = "SELECT pg_logical_emit_message(true, 'comanda', '') WHERE NOT pg_is_in_recovery()";

/// Waits until everything that was committed so far is where a commit is waited for: on disk, and on the standby if
/// there is a synchronous one. A transaction of the caller's has to be committed for that. A replica has only what was
/// flushed.
///
/// Whoever tells somebody what has been read, and has written nothing since, calls this first: some commits do not wait
/// for the disk.
pub(crate) async fn flush_log(mut connection: &AsyncPgConnection) -> QueryResult<()> {
    connection.batch_execute(FLUSH).one("database.flush_log").await
}
