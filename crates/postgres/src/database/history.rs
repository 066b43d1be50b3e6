//! Which numbers of transactions can be compared.
//!
//! A transaction's number means something only in the cluster that gave it. A dump carries such numbers with it, and
//! the cluster that it is restored into has not reached them, or passed them long ago. So `database_histories` says
//! which events each cluster wrote, and a position among events is one of a history: those of earlier histories have
//! all ended, and come first; those of the current one come in the order of their transactions, once these have ended.
//!
//! A promoted replica, or a cluster that was recovered from a base backup and its log, goes on counting where its log
//! ended: what is stored in tables stays right. What a process remembers does not ([`WHERE_WRITTEN`]).

use diesel::{
    QueryResult, QueryableByName,
    dsl::sql,
    sql_types::{BigInt, Bool, Integer, Nullable},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::named::Named;

/// The cluster and the timeline that the connection writes to. It fails on a replica.
pub(crate) const WHERE_WRITTEN: &str = "(SELECT system_identifier FROM pg_control_system())::text \
    || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8)";

/// The columns of a [`Place`], of a row `p` with a position.
pub(crate) const PLACE_COLUMNS: &str = "p.transaction_id, p.event_id, h.after_event, \
    coalesce(n.after_event, 9223372036854775807) AS last_event, \
    CASE WHEN n.id IS NULL THEN pg_snapshot_xmin(pg_current_snapshot())::text::bigint \
         ELSE 9223372036854775807 END AS ended_before, \
    CASE WHEN n.id IS NULL THEN pg_snapshot_xmax(pg_current_snapshot())::text::bigint \
         ELSE 9223372036854775807 END AS begun_before, \
    n.id AS next_history";

/// The histories of a row `p` with a position: its own and the next.
pub(crate) const PLACE_JOINS: &str = "JOIN database_histories h ON h.id = p.history \
    LEFT JOIN database_histories n ON n.id = p.history + 1";

/// A position among the events, and what comes next: first the rest of its history, after `(transaction_id, event_id)`
/// and within the other bounds, in the order of `(transaction_id, id)`; then whatever comes after `last_event`.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub(crate) struct Place {
    #[diesel(sql_type = BigInt)]
    pub(crate) transaction_id: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) event_id: i64,
    /// The last event of the histories before.
    #[diesel(sql_type = BigInt)]
    pub(crate) after_event: i64,
    /// The last event of the history.
    #[diesel(sql_type = BigInt)]
    pub(crate) last_event: i64,
    /// Transactions of the history with smaller numbers have ended.
    #[diesel(sql_type = BigInt)]
    pub(crate) ended_before: i64,
    /// Transactions of the history with greater numbers have not begun.
    #[diesel(sql_type = BigInt)]
    pub(crate) begun_before: i64,
    /// `None`: the history is the current one.
    #[diesel(sql_type = Nullable<Integer>)]
    pub(crate) next_history: Option<i32>,
}

impl Place {
    /// Whether no transaction of the history can have written the event: then the history is not what the tables say.
    pub(crate) fn is_ahead(&self) -> bool {
        self.transaction_id > self.begun_before
    }

    /// Where to read if nobody has found out yet in which history it is: what comes next is known by ids alone.
    pub(crate) fn by_id_if_ahead(self) -> Self {
        if self.is_ahead() { Self { last_event: self.event_id, ..self } } else { self }
    }
}

/// Finds out whether the database has come into another cluster. Call it before the events that come after a position
/// are read.
pub(crate) async fn follow_history(connection: &mut AsyncPgConnection) -> QueryResult<()> {
    let has_begun: bool =
        diesel::select(sql::<Bool>("follow_database_history()")).get_result(connection).one("history.follow").await?;
    if has_begun {
        tracing::warn!(
            "this database was moved into another cluster, or restored there: events are delivered and summarized by \
             their ids up to here"
        );
    }
    Ok(())
}
