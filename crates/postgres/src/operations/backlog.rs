//! What waits, and why, for an operator who is looking for what is stuck.

use std::time::Duration;

use comanda_domain::{Timestamp, ports::Unavailable};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Bool, Double, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;

use crate::database::{Database, Named, NamedRows};

/// How many rows of a kind are counted. Of more, it is known only that there are more: an index is read so far, and
/// never a whole table.
pub const MOST_COUNTED: i64 = 10_000;

/// How many rows wait in each table: [`MOST_COUNTED`] at most, and one more if there are more.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct BacklogCounts {
    /// Events of the payment gateway that are to be handled.
    #[diesel(sql_type = BigInt)]
    pub gateway_events_waiting: i64,
    /// For how many seconds the oldest of them has waited.
    #[diesel(sql_type = Nullable<Double>)]
    pub gateway_events_oldest_seconds: Option<f64>,
    /// Those that cannot be read: a person has to look at them.
    #[diesel(sql_type = BigInt)]
    pub gateway_events_unreadable: i64,
    /// Those that are left for a newer server.
    #[diesel(sql_type = BigInt)]
    pub gateway_events_unknown: i64,
    /// Card payments that are begun and not paid.
    #[diesel(sql_type = BigInt)]
    pub payments_open: i64,
    /// Those of them whose order is overdue.
    #[diesel(sql_type = BigInt)]
    pub payments_overdue: i64,
    /// Payments that the gateway is to be told to cancel.
    #[diesel(sql_type = BigInt)]
    pub payments_to_cancel: i64,
    /// Refunds that the gateway is to be asked for, or has not made yet.
    #[diesel(sql_type = BigInt)]
    pub refunds_waiting: i64,
    /// For how many seconds the oldest of them has waited.
    #[diesel(sql_type = Nullable<Double>)]
    pub refunds_oldest_seconds: Option<f64>,
    /// Refunds that failed.
    #[diesel(sql_type = BigInt)]
    pub refunds_failed: i64,
    /// Mails to accounts that are to be sent.
    #[diesel(sql_type = BigInt)]
    pub mails_waiting: i64,
    /// How often the one that failed most often was attempted.
    #[diesel(sql_type = BigInt)]
    pub mails_most_attempts: i64,
}

/// The right to do something alone.
#[derive(Clone, Debug)]
pub struct HeldLease {
    pub name: String,
    pub held_until: Timestamp,
    /// Whether that is still to come.
    pub is_held: bool,
}

#[derive(QueryableByName)]
struct LeaseRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Timestamptz)]
    held_until: Timestamp,
    #[diesel(sql_type = Bool)]
    is_held: bool,
}

/// Counts what waits, in the primary.
pub async fn backlog(database: &Database) -> Result<BacklogCounts, Unavailable> {
    let mut connection = database.connection().await?;
    sql_query(
        "SELECT g.*, p.*, r.*, m.*, \
           (SELECT count(*) FROM (SELECT FROM gateway_events WHERE malformed IS NOT NULL LIMIT $1) x) \
             AS gateway_events_unreadable, \
           (SELECT count(*) FROM (SELECT FROM gateway_events WHERE unknown_kind IS NOT NULL LIMIT $1) x) \
             AS gateway_events_unknown, \
           (SELECT count(*) FROM (SELECT FROM payments WHERE call_off LIMIT $1) x) AS payments_to_cancel, \
           (SELECT count(*) FROM (SELECT FROM refunds WHERE status = 'failed' LIMIT $1) x) AS refunds_failed \
         FROM (SELECT count(*) AS gateway_events_waiting, \
                 extract(epoch FROM now() - min(received_at))::float8 AS gateway_events_oldest_seconds \
               FROM (SELECT received_at FROM gateway_events WHERE handled_at IS NULL \
                     ORDER BY received_at LIMIT $1) x) g, \
              (SELECT count(*) AS payments_open, count(*) FILTER (WHERE expires_at < now()) AS payments_overdue \
               FROM (SELECT expires_at FROM payments \
                     WHERE status IN ('pending', 'requires_action', 'failed') AND method = 'card' \
                     ORDER BY expires_at LIMIT $1) x) p, \
              (SELECT count(*) AS refunds_waiting, \
                 extract(epoch FROM now() - min(created_at))::float8 AS refunds_oldest_seconds \
               FROM (SELECT created_at FROM refunds WHERE status = 'pending' ORDER BY created_at LIMIT $1) x) r, \
              (SELECT count(*) AS mails_waiting, coalesce(max(attempts), 0)::bigint AS mails_most_attempts \
               FROM (SELECT attempts FROM mails WHERE next_at IS NOT NULL ORDER BY next_at LIMIT $1) x) m",
    )
    .bind::<BigInt, _>(MOST_COUNTED + 1)
    .get_result(&mut *connection)
    .one("backlog.count")
    .await
    .map_err(Unavailable::new)
}

/// The leases by name, and until when they are held.
pub async fn leases(database: &Database) -> Result<Vec<HeldLease>, Unavailable> {
    let mut connection = database.connection().await?;
    let leases: Vec<LeaseRow> =
        sql_query("SELECT name, held_until, held_until > now() AS is_held FROM leases ORDER BY name")
            .load(&mut *connection)
            .rows("backlog.leases")
            .await
            .map_err(Unavailable::new)?;
    let leases =
        leases.into_iter().map(|LeaseRow { name, held_until, is_held }| HeldLease { name, held_until, is_held });
    Ok(leases.collect())
}

impl BacklogCounts {
    /// The age of the oldest event of the gateway that waits.
    pub fn oldest_gateway_event(&self) -> Option<Duration> {
        self.gateway_events_oldest_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }

    /// The age of the oldest refund that waits.
    pub fn oldest_refund(&self) -> Option<Duration> {
        self.refunds_oldest_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }
}
