use comanda_domain::{
    SessionId,
    ports::{ClosingPosition, Closings},
};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Text, Uuid as SqlUuid},
};
use uuid::Uuid;

use crate::database::WHERE_WRITTEN;

/// Where to read on, and in which history of the database. At the oldest transaction that has not ended in this snapshot. It may have closed a session that
/// cannot be seen yet; a transaction that begins later has a greater id.
pub(super) fn position() -> String {
    format!("pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS position, {WHERE_WRITTEN} AS history")
}

/// Position and sessions are of one snapshot, so they are read by one statement.
#[derive(QueryableByName)]
pub(super) struct ClosingsRow {
    #[diesel(sql_type = BigInt)]
    position: i64,
    /// The position is ahead of all that another cluster, or another timeline, has written.
    #[diesel(sql_type = Text)]
    pub(super) history: String,
    #[diesel(sql_type = Array<SqlUuid>)]
    ids: Vec<Uuid>,
}

impl ClosingsRow {
    pub(super) fn into_closings(self) -> Closings {
        let ids = self.ids.into_iter().map(SessionId::new).collect();
        Closings { ids, position: ClosingPosition::new(self.position) }
    }
}
