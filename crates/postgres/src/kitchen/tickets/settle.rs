use chrono::{DateTime, Utc};
use comanda_domain::{OrderId, TicketState};
use diesel::{
    QueryResult,
    sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::database::{Named, statement};

statement! {
    /// Settles what is open of the tickets of orders, and announces it.
    SettleTickets {
        orders: &'a [Uuid] as Array<SqlUuid>,
        states: &'a [&'a str] as Array<Text>,
        settled_at: &'a [DateTime<Utc>] as Array<Timestamptz>,
    }
    returns BigInt:
    "WITH asked AS MATERIALIZED (SELECT * FROM unnest(",
    ") AS t(order_id, state, settled_at)), \
     settled AS (UPDATE kitchen_tickets k \
       SET state = a.state, version = k.version + 1, updated_at = a.settled_at \
       FROM asked a WHERE k.order_id = a.order_id AND k.state IN ('queued', 'cooking') \
       RETURNING k.id, k.version, k.order_id, k.updated_at), \
     announced AS (INSERT INTO outbox_events (kind, subject_id, subject_version, occurred_at, stream_id) \
       SELECT 'ticket.changed', id, version, updated_at, order_id FROM settled RETURNING 1) \
     SELECT count(*) FROM announced"
}

/// Settles the open tickets of a locked order that moves. Returns their number.
pub(crate) async fn settle_tickets(
    connection: &mut AsyncPgConnection,
    order: OrderId,
    state: TicketState,
    at: DateTime<Utc>,
) -> QueryResult<i64> {
    let settle = SettleTickets { orders: &[order.as_uuid()], states: &[state.as_str()], settled_at: &[at] };
    settle.get_result(connection).one("ticket.settle").await
}
