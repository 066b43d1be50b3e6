//! Flushing the log of the database.

use diesel::{QueryResult, sql_query, sql_types::Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::named::Named;

/// Writes nothing that anybody reads, in a transaction of its own, or in the caller's. A standby refuses it.
const FLUSH: &str = "SELECT pg_logical_emit_message(true, 'comanda', '')";

/// The same, for whoever may read from a replica, which has only what was flushed.
const FLUSH_UNLESS_REPLICA: &str = "SELECT pg_logical_emit_message(true, 'comanda', '') WHERE NOT pg_is_in_recovery()";

/// The same, for whoever knows how far the log was when they read, and unless it is flushed up to there: in a busy
/// database somebody has flushed it meanwhile, and in a quiet one long ago. Whether a synchronous standby has it is not
/// asked.
const FLUSH_UP_TO: &str = "SELECT pg_logical_emit_message(true, 'comanda', '') \
                           WHERE CASE WHEN pg_is_in_recovery() THEN false \
                                      WHEN current_setting('synchronous_standby_names') <> '' THEN true \
                                      ELSE pg_current_wal_flush_lsn() < $1::pg_lsn END";

/// The same, for what any server may show that has this disk: no standby is waited for.
const FLUSH_TO_DISK_UP_TO: &str = "SELECT pg_logical_emit_message(true, 'comanda', '') \
                                   FROM set_config('synchronous_commit', 'local', true) \
                                   WHERE pg_current_wal_flush_lsn() < $1::pg_lsn";

/// How far the log is, in a query of a snapshot: what that knows was written before. A standby cannot say.
pub(crate) const LOG_PLACE: &str = "(SELECT pg_current_wal_insert_lsn()::text)";

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

/// The same for what was read in a snapshot that was taken before the log was at this place. Returns whether anything
/// had to be flushed for that.
pub(crate) async fn flush_what_was_read_before(mut connection: &AsyncPgConnection, place: &str) -> QueryResult<bool> {
    let flushed = sql_query(FLUSH_UP_TO).bind::<Text, _>(place).execute(&mut connection);
    Ok(flushed.changes("database.flush_log_up_to").await? > 0)
}

/// The same, but for the disk alone, so that it does not wait for a standby which is gone.
pub(crate) async fn flush_what_was_read_before_to_disk(
    mut connection: &AsyncPgConnection,
    place: &str,
) -> QueryResult<bool> {
    #[cfg(feature = "planted")]
    if crate::planted::is_nothing_flushed() {
        return Ok(false);
    }
    let flushed = sql_query(FLUSH_TO_DISK_UP_TO).bind::<Text, _>(place).execute(&mut connection);
    Ok(flushed.changes("database.flush_log_up_to").await? > 0)
}

#[cfg(test)]
mod tests {
    use comanda_tests::TestDatabase;
    use diesel::{dsl::sql, select};

    use super::*;
    use crate::database::establish::establish;

    #[tokio::test(flavor = "multi_thread")]
    async fn only_what_is_not_flushed_yet_is_flushed() {
        let database = TestDatabase::migrated().await;
        let mut connection = establish(&database.server_url.parse().unwrap(), "").await.unwrap();
        let place = |place: &'static str| select(sql::<Text>(place));
        let here: String = place(LOG_PLACE).get_result(&mut connection).await.unwrap();
        flush_log(&connection).await.unwrap();
        assert!(!flush_what_was_read_before(&connection, &here).await.unwrap());
        assert!(!flush_what_was_read_before_to_disk(&connection, &here).await.unwrap());
        let ahead = place("(pg_current_wal_insert_lsn() + 1000000000)::text");
        let ahead: String = ahead.get_result(&mut connection).await.unwrap();
        assert!(flush_what_was_read_before(&connection, &ahead).await.unwrap());
        assert!(flush_what_was_read_before_to_disk(&connection, &ahead).await.unwrap());
    }
}
