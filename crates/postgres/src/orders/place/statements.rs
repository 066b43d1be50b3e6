//! The statements that place orders. Each takes arrays, so that one text serves a batch of any size. Those that write
//! fail by themselves unless they write every row, as the commit is sent along with them.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::{database::statement, idempotency::key_lock};

statement! {
    /// Finds what the callers' idempotency keys were used for: a placed order (its id, fingerprint, and whether its key
    /// is still remembered), and whether another request, which is still remembered. That of a payment which has only
    /// begun has a space before its key.
    ///
    /// Each key is looked up on its own, and orders in the order of an index that has the key in it. Otherwise a plan
    /// that was made while the tables were empty would walk through whole indexes when they are not. For the same
    /// reason a key's age is compared only after it was found.
    FindKeys {
        callers: &'a [Uuid] as Array<SqlUuid>,
        keys: &'a [&'a str] as Array<Text>,
        forgotten_before: &'a [DateTime<Utc>] as Array<Timestamptz>,
    }
    returns (SqlUuid, Text, Nullable<SqlUuid>, Nullable<SqlUuid>, Bool, Bool):
    "SELECT a.caller_id, a.key, o.id, o.request_fingerprint, coalesce(o.created_at >= a.forgotten_before, false), \
       coalesce(greatest(k.recorded_at, b.recorded_at) >= a.forgotten_before, false) \
     FROM unnest(",
    ") AS a(caller_id, key, forgotten_before) \
     LEFT JOIN LATERAL (SELECT id, request_fingerprint, created_at FROM orders \
       WHERE customer_id = a.caller_id AND idempotency_key BETWEEN a.key AND a.key \
       ORDER BY idempotency_key LIMIT 1) o ON true \
     LEFT JOIN LATERAL (SELECT recorded_at FROM idempotency_keys \
       WHERE caller_id = a.caller_id AND key = a.key LIMIT 1) k ON true \
     LEFT JOIN LATERAL (SELECT recorded_at FROM idempotency_keys \
       WHERE caller_id = a.caller_id AND key = ' ' || a.key LIMIT 1) b ON true \
     WHERE o.id IS NOT NULL OR greatest(k.recorded_at, b.recorded_at) >= a.forgotten_before"
}

statement! {
    /// Takes two kinds of locks until the end of the transaction. They are advisory, so that neither a sign-in nor a
    /// change of an account waits for them.
    ///
    /// One server at a time places orders of a customer who has limits: what [`CountUnpaidOrders`] finds afterwards is
    /// not exceeded. All servers take these in the order of their numbers, so there is no deadlock.
    ///
    /// Idempotency keys are locked as `crate::idempotency` says, without waiting. Returns those by which another
    /// request is being carried out.
    LockCustomersAndKeys {
        customers: &'a [Uuid] as Array<SqlUuid>,
        callers: &'a [Uuid] as Array<SqlUuid>,
        keys: &'a [&'a str] as Array<Text>,
    }
    returns (SqlUuid, Text):
    "WITH asked(customers, callers, keys) AS (SELECT ",
    concat!("), locks AS MATERIALIZED \
       (SELECT DISTINCT hashtextextended('unpaid orders ' || c.id, 0) AS key \
        FROM asked, unnest(asked.customers) AS c(id) ORDER BY key), \
     locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(key) IS NULL AS is_null FROM locks) \
     SELECT NULL, NULL FROM (SELECT count(is_null) AS number FROM locked) customers WHERE number < 0 \
     UNION ALL \
     SELECT k.caller_id, k.key FROM asked, unnest(asked.callers, asked.keys) AS k(caller_id, key) \
     WHERE NOT pg_try_advisory_xact_lock_shared(", key_lock!("k.caller_id", "k.key"), ")")
}

statement! {
    /// Waits for a turn, an advisory lock until the end of the transaction, and returns whether it was free. It takes
    /// an array, so that it can be prepared without a turn.
    TakeTurn { turns: &'a [i64] as Array<BigInt> }
    returns Bool:
    "SELECT t.is_free FROM (SELECT turn, pg_try_advisory_xact_lock(turn) AS is_free FROM unnest(",
    ") AS u(turn) OFFSET 0) t WHERE t.is_free OR pg_advisory_xact_lock(t.turn)::text IS NOT NULL"
}

statement! {
    /// Takes a turn if it is free; returns whether it was.
    TakeFreeTurn { turns: &'a [i64] as Array<BigInt> }
    returns Bool:
    "SELECT pg_try_advisory_xact_lock(turn) FROM unnest(",
    ") AS u(turn)"
}

statement! {
    /// Counts the open orders of customers that are not paid, and the quantity in them. Customers without such orders
    /// are left out. The statuses are those of the domain: `OrderStatus::is_open` and `PaymentStatus::is_paid`. While
    /// nobody has accepted an order but the server, a payment of nothing does not count.
    ///
    /// Lines are read of unpaid orders only, of which there are as many as a customer may have.
    CountUnpaidOrders { customers: &'a [Uuid] as Array<SqlUuid> }
    returns (SqlUuid, BigInt, BigInt):
    "WITH unpaid AS MATERIALIZED (SELECT o.id, o.customer_id FROM unnest(",
    ") AS c(id) \
       JOIN orders o ON o.customer_id = c.id AND o.status NOT IN ('completed', 'cancelled') \
       WHERE NOT EXISTS \
         (SELECT FROM payments p WHERE p.order_id = o.id AND p.status IN ('succeeded', 'partly_refunded') \
            AND (p.amount > 0 OR o.status <> 'pending' AND NOT o.accepted_on_placement))) \
     SELECT u.customer_id, count(*), sum(l.quantity)::bigint FROM unpaid u CROSS JOIN LATERAL \
       (SELECT coalesce(sum(quantity), 0) AS quantity FROM order_lines WHERE order_id = u.id) l \
     GROUP BY u.customer_id"
}

statement! {
    /// Idempotency keys are written in the order that they are sorted by. A server that places an order under the same
    /// key is waited for, so that two with several keys in common must not come upon them in opposite orders. Numbers
    /// follow that order as well: they tell orders apart, and do not say which order of a batch came first.
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
    "WITH asked AS MATERIALIZED (SELECT * FROM unnest(",
    ") AS t(id, customer_id, total, line_count, note, placed_at, key, fingerprint)), \
     written AS (INSERT INTO orders \
       (id, customer_id, total, line_count, note, created_at, updated_at, idempotency_key, request_fingerprint) \
       SELECT t.id, t.customer_id, t.total, t.line_count, t.note, t.placed_at, t.placed_at, t.key, t.fingerprint \
       FROM asked t ORDER BY t.customer_id, t.key COLLATE \"C\" RETURNING id, number) \
     SELECT id, number FROM written \
     WHERE (SELECT all_rows((SELECT count(*) FROM written), (SELECT count(*) FROM asked))) > 0"
}

statement! {
    /// The same, of orders that are accepted by being placed.
    InsertAcceptedOrders {
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
    "WITH asked AS MATERIALIZED (SELECT * FROM unnest(",
    ") AS t(id, customer_id, total, line_count, note, placed_at, key, fingerprint)), \
     written AS (INSERT INTO orders \
       (id, customer_id, total, line_count, note, created_at, updated_at, idempotency_key, request_fingerprint, \
        status, accepted_on_placement) \
       SELECT t.id, t.customer_id, t.total, t.line_count, t.note, t.placed_at, t.placed_at, t.key, t.fingerprint, \
         'accepted', true \
       FROM asked t ORDER BY t.customer_id, t.key COLLATE \"C\" RETURNING id, number) \
     SELECT id, number FROM written \
     WHERE (SELECT all_rows((SELECT count(*) FROM written), (SELECT count(*) FROM asked))) > 0"
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
        counted: &'a [bool] as Array<Bool>,
        extras: &'a [i64] as Array<BigInt>,
        selections: &'a [Option<String>] as Array<Nullable<Text>>,
        taken: &'a [Option<String>] as Array<Nullable<Text>>,
    }
    returns BigInt:
    "WITH asked AS MATERIALIZED (SELECT * FROM unnest(",
    ") AS t(order_id, position, menu_item_id, quantity, unit_price, name, note, counted, \
       extras, selections, taken)), \
     written AS (INSERT INTO order_lines (order_id, position, menu_item_id, quantity, unit_price, name, note, counted, \
       extras, selections, taken) \
       SELECT order_id, position, menu_item_id, quantity, unit_price, name, note, counted, extras, \
         selections::jsonb, taken::jsonb FROM asked RETURNING 1) \
     SELECT all_rows((SELECT count(*) FROM written), (SELECT count(*) FROM asked))"
}

statement! {
    /// Writes the events. Each refers to its order, or to its menu item, from which its subscribers' messages are made.
    InsertEvents {
        kinds: &'a [&'a str] as Array<Text>,
        subjects: &'a [Uuid] as Array<SqlUuid>,
        occurred_at: &'a [DateTime<Utc>] as Array<Timestamptz>,
    }
    returns BigInt:
    "WITH asked AS MATERIALIZED (SELECT * FROM unnest(",
    ") AS t(kind, subject_id, occurred_at)), \
     written AS (INSERT INTO outbox_events (kind, subject_version, subject_id, occurred_at) \
       SELECT t.kind, 1, t.subject_id, t.occurred_at FROM asked t RETURNING 1) \
     SELECT all_rows((SELECT count(*) FROM written), (SELECT count(*) FROM asked))"
}

statement! {
    /// Deletes idempotency keys that have expired, and whose place is needed.
    ForgetKeys { orders: &'a [Uuid] as Array<SqlUuid> }
    returns ():
    "UPDATE orders SET idempotency_key = NULL, request_fingerprint = NULL WHERE id = ANY(",
    ")"
}

#[cfg(test)]
mod tests {
    use comanda_tests::TestDatabase;
    use diesel::{debug_query, pg::Pg};

    use super::*;
    use crate::orders::place::committer::SETTINGS;

    #[tokio::test]
    async fn keys_are_looked_up_by_index_though_the_tables_were_empty() {
        let database = TestDatabase::migrated().await;
        let client = database.client().await;
        client.batch_execute(&format!("{SETTINGS}; ANALYZE orders, idempotency_keys")).await.unwrap();
        let statement = debug_query::<Pg, _>(&FindKeys { callers: &[], keys: &[], forgotten_before: &[] }).to_string();
        let (statement, _) = statement.split_once(" -- binds").unwrap();
        client.batch_execute(&format!("PREPARE find AS {statement}")).await.unwrap();
        let plan = client.query("EXPLAIN EXECUTE find('{}', '{}', '{}')", &[]).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        for index in ["orders_idempotency", "idempotency_keys_pkey"] {
            let scan = plan.iter().position(|line| line.contains(&format!("using {index}")));
            let condition = plan.get(scan.unwrap_or_default() + 1).map_or("", String::as_str);
            assert!(scan.is_some() && condition.matches("a.").count() >= 2, "{plan:#?}");
        }
    }
}
