//! Writing tickets when orders are accepted.

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult,
    sql_types::{Array, BigInt, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::database::{Named, statement};

statement! {
    /// Writes the tickets of orders, one for each station that makes some of an order's lines, and their events. Where
    /// a line goes is the domain's `station_of`: to the station of the menu item, otherwise to that of its category,
    /// otherwise nowhere.
    InsertTickets {
        orders: &'a [Uuid] as Array<SqlUuid>,
        accepted_at: &'a [DateTime<Utc>] as Array<Timestamptz>,
    }
    returns BigInt:
    "WITH asked AS MATERIALIZED (SELECT * FROM unnest(",
    ") AS t(order_id, accepted_at)), \
     routed AS MATERIALIZED (SELECT a.order_id, a.accepted_at, s.id AS station_id, \
         array_agg(l.position ORDER BY l.position) AS lines \
       FROM asked a JOIN order_lines l ON l.order_id = a.order_id JOIN menu_items i ON i.id = l.menu_item_id \
       CROSS JOIN LATERAL (SELECT coalesce(i.station_id, \
         (SELECT c.station_id FROM kitchen_station_categories c WHERE c.form = name_form(i.category))) AS id) s \
       WHERE s.id IS NOT NULL GROUP BY a.order_id, a.accepted_at, s.id), \
     written AS (INSERT INTO kitchen_tickets (id, order_id, station_id, created_at, updated_at, lines) \
       SELECT uuid_v7(accepted_at), order_id, station_id, accepted_at, accepted_at, lines FROM routed \
       ORDER BY order_id, station_id RETURNING id, version, order_id, created_at), \
     announced AS (INSERT INTO outbox_events (kind, subject_id, subject_version, occurred_at, stream_id) \
       SELECT 'ticket.changed', id, version, created_at, order_id FROM written RETURNING 1) \
     SELECT count(*) FROM announced"
}

/// Writes the tickets of orders that are accepted in this transaction, and whose lines are written. Returns their
/// number.
pub(crate) async fn write_tickets(
    mut connection: &AsyncPgConnection,
    orders: &[Uuid],
    accepted_at: &[DateTime<Utc>],
) -> QueryResult<i64> {
    InsertTickets { orders, accepted_at }.get_result(&mut connection).one("ticket.insert").await
}

/// Prepares the statement, without writing.
pub(crate) async fn prepare_to_write_tickets(connection: &AsyncPgConnection) -> QueryResult<()> {
    write_tickets(connection, &[], &[]).await.map(drop)
}
