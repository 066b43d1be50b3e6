//! Where the database is: which of its histories, and how far the transactions have come.

use comanda_domain::StreamPosition;
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::database::{LOG_PLACE, Named, WHERE_WRITTEN};

/// What the snapshot of one statement knows, or that of its transaction.
#[derive(QueryableByName)]
pub(super) struct Here {
    #[diesel(sql_type = Text)]
    pub(super) history: String,
    /// The last event of earlier clusters.
    #[diesel(sql_type = BigInt)]
    pub(super) after_event: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) now: i64,
    /// How far the log is. What the snapshot knows was written before.
    #[diesel(sql_type = Text)]
    pub(super) log_place: String,
    /// Transactions before that have ended.
    #[diesel(sql_type = BigInt)]
    pub(super) ended_before: i64,
    /// Transactions from this one on have not begun.
    #[diesel(sql_type = BigInt)]
    pub(super) begun_before: i64,
    /// Those in between that have not ended.
    #[diesel(sql_type = Array<BigInt>)]
    open: Vec<i64>,
}

impl Here {
    pub(super) async fn find(connection: &mut AsyncPgConnection) -> QueryResult<Self> {
        // The clusters that the database was in, and its number in this one: a dump that is restored beside it, or in
        // its place, is another history.
        sql_query(format!(
            "SELECT replace({WHERE_WRITTEN}, '/', '-') || '-' || h.id || '-' \
                    || (SELECT oid FROM pg_database WHERE datname = current_database()) AS history, \
                    h.after_event, extract(epoch FROM statement_timestamp())::bigint AS now, \
                    {LOG_PLACE} AS log_place, \
                    pg_snapshot_xmin(s)::text::bigint AS ended_before, \
                    pg_snapshot_xmax(s)::text::bigint AS begun_before, \
                    ARRAY(SELECT x::text::bigint FROM pg_snapshot_xip(s) x) AS open \
             FROM pg_current_snapshot() s, \
                  (SELECT id, after_event FROM database_histories ORDER BY id DESC LIMIT 1) h"
        ))
        .get_result(connection)
        .one("live.find_place")
        .await
    }

    /// The position of somebody who knows what this snapshot knows.
    pub(super) fn position(&self) -> StreamPosition {
        let (history, given_at, transaction) = (self.history.clone(), self.now, self.ended_before);
        let begun_before = if self.begun_before > transaction { self.begun_before } else { 0 };
        let open = if begun_before > 0 { self.open.clone() } else { Vec::new() };
        StreamPosition { history, given_at, transaction, event: 0, begun_before, open }
    }
}
