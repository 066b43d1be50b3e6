//! Flushing the log of the database.

use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};

use super::named::Named;

/// Writes nothing that anybody reads, in a transaction of its own, or in the caller's. A standby refuses it.
const FLUSH: &str = "SELECT pg_logical_emit_message(true, 'comanda', '')";

/// The same, for whoever may read from a replica, which has only what was flushed.
const FLUSH_UNLESS_REPLICA: &str = "SELECT pg_logical_emit_message(true, 'comanda', '') WHERE NOT pg_is_in_recovery()";

/// The same, for what any server may show that has this disk: no standby is waited for.
const FLUSH_TO_DISK: &str = "SELECT pg_logical_emit_message(true, 'comanda', '') \
                             FROM set_config('synchronous_commit', 'local', true) WHERE NOT pg_is_in_recovery()";

/// Waits until everything that was committed so far is where a commit is waited for: on disk, and on the standby if
/// there is a synchronous one. Must not be called in a transaction. Fails on a standby.
pub(crate) async fn flush_log(mut connection: &AsyncPgConnection) -> QueryResult<()> {
    connection.batch_execute(FLUSH).one("database.flush_log").await
}

/// The same for what was read on this connection, before somebody is told: some commits do not wait for the disk. A
/// transaction of the caller's has to be committed for that.
pub(crate) async fn flush_what_was_read(mut connection: &AsyncPgConnection) -> QueryResult<()> {
    connection.batch_execute(FLUSH_UNLESS_REPLICA).one("database.flush_log").await
}

/// The same, but for the disk alone, so that it does not wait for a standby which is gone.
pub(crate) async fn flush_what_was_read_to_disk(mut connection: &AsyncPgConnection) -> QueryResult<()> {
    connection.batch_execute(FLUSH_TO_DISK).one("database.flush_log").await
}
