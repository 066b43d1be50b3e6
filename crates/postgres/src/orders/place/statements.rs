//! The statements that place orders. Each takes arrays, so that one text serves a batch of any size.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::database::statement;

statement! {
    /// Finds what the callers' idempotency keys were used for: a placed order, or (if the order's id is null) another
    /// request.
    FindKeys { callers: &'a [Uuid] as Array<SqlUuid>, keys: &'a [&'a str] as Array<Text> }
    returns (SqlUuid, Text, Nullable<SqlUuid>, Timestamptz, Nullable<SqlUuid>):
    "WITH asked(caller_id, key) AS (SELECT * FROM unnest(",
    ")) SELECT a.caller_id, a.key, o.request_fingerprint, o.created_at, o.id \
       FROM asked a JOIN orders o ON o.customer_id = a.caller_id AND o.idempotency_key = a.key \
     UNION ALL \
     SELECT a.caller_id, a.key, NULL, k.recorded_at, NULL \
       FROM asked a JOIN idempotency_keys k ON k.caller_id = a.caller_id AND k.key = a.key"
}

statement! {
    /// Lets one server at a time, until the end of its transaction, place orders of a customer who has limits: what
    /// [`CountUnpaidOrders`] finds afterwards is not exceeded. The locks are advisory, so that neither a sign-in nor a
    /// change of the account waits for them. All servers take them in the order of their keys, so there is no deadlock.
    LockCustomers { customers: &'a [Uuid] as Array<SqlUuid> }
    returns ():
    "WITH locks AS MATERIALIZED \
       (SELECT DISTINCT hashtextextended('unpaid orders ' || c.id, 0) AS key FROM unnest(",
    ") AS c(id) ORDER BY key) \
     SELECT pg_advisory_xact_lock(key) FROM locks"
}

statement! {
    /// Counts the open orders of customers that are not paid, and the quantity in them. Customers without such orders
    /// are left out. The statuses are those of the domain: `OrderStatus::is_open` and `PaymentStatus::is_paid`. While
    /// nobody has accepted an order, a payment of nothing does not count.
    ///
    /// Lines are read of unpaid orders only, of which there are as many as a customer may have.
    CountUnpaidOrders { customers: &'a [Uuid] as Array<SqlUuid> }
    returns (SqlUuid, BigInt, BigInt):
    "WITH unpaid AS MATERIALIZED (SELECT o.id, o.customer_id FROM unnest(",
    ") AS c(id) \
       JOIN orders o ON o.customer_id = c.id AND o.status NOT IN ('completed', 'cancelled') \
       WHERE NOT EXISTS \
         (SELECT FROM payments p WHERE p.order_id = o.id AND p.status IN ('succeeded', 'partly_refunded') \
            AND (p.amount > 0 OR o.status <> 'pending'))) \
     SELECT u.customer_id, count(*), sum(l.quantity)::bigint FROM unpaid u CROSS JOIN LATERAL \
       (SELECT coalesce(sum(quantity), 0) AS quantity FROM order_lines WHERE order_id = u.id) l \
     GROUP BY u.customer_id"
}

statement! {
    InsertOrders {
        ids: &'a [Uuid] as Array<SqlUuid>,
        customers: &'a [Uuid] as Array<SqlUuid>,
        totals: &'a [i64] as Array<BigInt>,
        line_counts: &'a [i16] as Array<SmallInt>,
        notes: &'a [Option<&'a str>] as Array<Nullable<Text>>,
        placed_at: &'a [DateTime<Utc>] as Array<Timestamptz>,
        keys: &'a [Option<&'a str>] as Array<Nullable<Text>>,
        fingerprints: &'a [Option<Uuid>] as Array<Nullable<SqlUuid>>,
    }
    returns (SqlUuid, BigInt):
    "INSERT INTO orders \
       (id, customer_id, total, line_count, note, created_at, updated_at, idempotency_key, request_fingerprint) \
     SELECT t.id, t.customer_id, t.total, t.line_count, t.note, t.placed_at, t.placed_at, t.key, t.fingerprint \
     FROM unnest(",
    ") AS t(id, customer_id, total, line_count, note, placed_at, key, fingerprint) RETURNING id, number"
}

statement! {
    InsertLines {
        orders: &'a [Uuid] as Array<SqlUuid>,
        positions: &'a [i16] as Array<SmallInt>,
        items: &'a [Uuid] as Array<SqlUuid>,
        quantities: &'a [i32] as Array<Integer>,
        unit_prices: &'a [i64] as Array<BigInt>,
        names: &'a [&'a str] as Array<Text>,
        notes: &'a [Option<&'a str>] as Array<Nullable<Text>>,
    }
    returns ():
    "INSERT INTO order_lines (order_id, position, menu_item_id, quantity, unit_price, name, note) \
     SELECT * FROM unnest(",
    ")"
}

statement! {
    /// Writes the events. Each refers to its order, from which its subscribers' messages are made.
    InsertPlacedEvents { orders: &'a [Uuid] as Array<SqlUuid>, placed_at: &'a [DateTime<Utc>] as Array<Timestamptz> }
    returns ():
    "INSERT INTO outbox_events (kind, subject_version, subject_id, occurred_at) \
     SELECT 'order.placed', 1, t.* FROM unnest(",
    ") AS t"
}

statement! {
    /// Writes the events of menu items that have sold out.
    InsertSoldOutEvents { items: &'a [Uuid] as Array<SqlUuid>, sold_out_at: &'a [DateTime<Utc>] as Array<Timestamptz> }
    returns ():
    "INSERT INTO outbox_events (kind, subject_version, subject_id, occurred_at) \
     SELECT 'item.sold_out', 1, t.* FROM unnest(",
    ") AS t"
}

statement! {
    /// Deletes idempotency keys that have expired.
    ForgetKeys { orders: &'a [Uuid] as Array<SqlUuid> }
    returns ():
    "UPDATE orders SET idempotency_key = NULL, request_fingerprint = NULL WHERE id = ANY(",
    ")"
}
