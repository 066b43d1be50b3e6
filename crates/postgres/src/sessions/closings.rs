use comanda_domain::{
    SessionId,
    ports::{ClosingPosition, Closings},
};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Uuid as SqlUuid},
};
use uuid::Uuid;

/// Where to read on: at the oldest transaction that has not ended in this snapshot. It may have closed a session that
/// cannot be seen yet; a transaction that begins later has a greater id.
pub(super) const POSITION: &str = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS position";

/// Position and sessions are of one snapshot, so they are read by one statement.
#[derive(QueryableByName)]
pub(super) struct ClosingsRow {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Array<SqlUuid>)]
    ids: Vec<Uuid>,
}

impl ClosingsRow {
    pub(super) fn into_closings(self) -> Closings {
        let ids = self.ids.into_iter().map(SessionId::new).collect();
        Closings { ids, position: ClosingPosition::new(self.position) }
    }
}
