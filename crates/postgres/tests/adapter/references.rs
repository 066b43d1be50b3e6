//! References that are checked once per statement refuse what foreign keys refuse.

use std::fmt::Write as _;

use comanda_tests::TestDatabase;
use tokio_postgres::{Client, error::SqlState};

/// What the migrations did, undone: with foreign keys again.
const WITH_FOREIGN_KEYS: &str = concat!(
    include_str!("../../../../migrations/2026-12-01-100030_customers_of_orders/down.sql"),
    include_str!("../../../../migrations/2026-12-01-100020_menu_items_of_lines/down.sql"),
    include_str!("../../../../migrations/2026-12-01-100010_orders_of_lines/down.sql"),
);

/// Accounts `a` and `b`, menu items `a` and `b`; orders `a` and `b` of account `a`, of which the first has a line of
/// menu item `a`. Nothing refers to account `b`, menu item `b` or order `b`, and there is no `c`.
const FILL: &str = "
    CREATE FUNCTION a() RETURNS uuid LANGUAGE sql AS $$ SELECT '00000000-0000-0000-0000-00000000000a'::uuid $$;
    CREATE FUNCTION b() RETURNS uuid LANGUAGE sql AS $$ SELECT '00000000-0000-0000-0000-00000000000b'::uuid $$;
    CREATE FUNCTION c() RETURNS uuid LANGUAGE sql AS $$ SELECT '00000000-0000-0000-0000-00000000000c'::uuid $$;
    CREATE FUNCTION add_line(of uuid, item uuid) RETURNS void LANGUAGE sql AS $$
        INSERT INTO order_lines (order_id, menu_item_id, position, quantity, unit_price, name)
        SELECT of, item, 1 + count(*), 1, 990, 'Carbonara' FROM order_lines $$;
    CREATE FUNCTION add_order(of uuid, by uuid) RETURNS void LANGUAGE sql AS $$
        INSERT INTO orders (id, customer_id, total, line_count, created_at, updated_at)
        VALUES (of, by, 990, 1, now(), now()) $$;
    INSERT INTO users (id, email, name, password_hash, role, created_at)
        SELECT id, id::text, 'Ana', 'none', 'customer', now() FROM (VALUES (a()), (b())) t(id);
    INSERT INTO menu_items
            (id, price, stock, low_stock_at, active, name, category, description, created_at, updated_at)
        SELECT id, 990, 9, 1, true, id::text, 'Pasta', '', now(), now() FROM (VALUES (a()), (b())) t(id);
    SELECT add_order(a(), a()), add_order(b(), a());
    SELECT add_line(a(), a());
";

/// What programs may do to the tables, in one transaction each.
const CHANGES: &[&str] = &[
    "SELECT add_line(a(), b())",
    "SELECT add_line(c(), a())",
    "SELECT add_line(a(), c())",
    "SELECT add_order(c(), b())",
    "SELECT add_order(c(), c())",
    "SELECT add_order(c(), a()), add_line(c(), a())",
    "SELECT add_order(c(), a()); SAVEPOINT s; SELECT add_line(c(), a()); ROLLBACK TO s; SELECT add_line(c(), b())",
    "SAVEPOINT s; SELECT add_order(c(), a()); ROLLBACK TO s; SELECT add_line(c(), a())",
    "INSERT INTO order_lines SELECT order_id, t.item, 1, 1, n, 'Carbonara' \
     FROM order_lines, (VALUES (5, a()), (6, b()), (7, c())) t(n, item)",
    "INSERT INTO order_lines SELECT a(), a(), 990, 1, 30, 'Carbonara' WHERE false",
    "INSERT INTO order_lines SELECT order_id, menu_item_id, 990, 1, position, 'Carbonara' FROM order_lines \
     ON CONFLICT (order_id, position) DO UPDATE SET menu_item_id = b()",
    "INSERT INTO order_lines SELECT order_id, menu_item_id, 990, 1, position, 'Carbonara' FROM order_lines \
     ON CONFLICT (order_id, position) DO UPDATE SET menu_item_id = c()",
    "WITH added AS (INSERT INTO orders (id, customer_id, total, line_count, created_at, updated_at) \
       VALUES (c(), b(), 990, 1, now(), now()) RETURNING id) \
     INSERT INTO order_lines SELECT id, b(), 990, 1, 0, 'Carbonara' FROM added",
    "COPY order_lines (order_id, menu_item_id, unit_price, quantity, position, name) FROM PROGRAM \
     'echo 00000000-0000-0000-0000-00000000000a,00000000-0000-0000-0000-00000000000b,990,1,7,Carbonara' (FORMAT csv)",
    "COPY order_lines (order_id, menu_item_id, unit_price, quantity, position, name) FROM PROGRAM \
     'echo 00000000-0000-0000-0000-00000000000a,00000000-0000-0000-0000-00000000000c,990,1,7,Carbonara' (FORMAT csv)",
    "UPDATE order_lines SET order_id = order_id, menu_item_id = menu_item_id",
    "UPDATE order_lines SET order_id = b()",
    "UPDATE order_lines SET order_id = c()",
    "UPDATE order_lines SET menu_item_id = b()",
    "UPDATE order_lines SET menu_item_id = c()",
    "UPDATE order_lines SET menu_item_id = NULL",
    "UPDATE orders SET customer_id = b()",
    "UPDATE orders SET customer_id = c()",
    "UPDATE orders SET customer_id = customer_id, id = id",
    "DELETE FROM orders",
    "DELETE FROM orders WHERE id = a()",
    "DELETE FROM orders WHERE id = b()",
    "DELETE FROM orders WHERE id = c()",
    "DELETE FROM order_lines; DELETE FROM orders; DELETE FROM users; DELETE FROM menu_items",
    "WITH lines AS (DELETE FROM order_lines) DELETE FROM orders",
    "WITH line AS (INSERT INTO order_lines VALUES (b(), a(), 990, 1, 0, 'Carbonara')) \
     DELETE FROM orders WHERE id = b()",
    "DELETE FROM users WHERE id = a()",
    "DELETE FROM users WHERE id = b()",
    "DELETE FROM menu_items WHERE id = a()",
    "DELETE FROM menu_items WHERE id = b()",
    "UPDATE orders SET id = c() WHERE id = a()",
    "UPDATE orders SET id = c() WHERE id = b()",
    "UPDATE users SET id = c() WHERE id = a()",
    "UPDATE users SET id = c() WHERE id = b()",
    "UPDATE menu_items SET id = c(), version = version + 1 WHERE id = a()",
    "UPDATE menu_items SET id = c(), version = version + 1 WHERE id = b()",
    "TRUNCATE users, menu_items",
    "TRUNCATE orders, payments, payment_incidents, refunds, idempotency_keys",
    "TRUNCATE order_lines; DELETE FROM orders",
    "TRUNCATE order_lines, orders, payments, payment_incidents, refunds, idempotency_keys",
];

async fn filled() -> (TestDatabase, Client) {
    let database = TestDatabase::migrated().await;
    let client = database.client().await;
    client.batch_execute(FILL).await.unwrap();
    (database, client)
}

/// The code, the table and the constraint of an error, or "done".
fn outcome(done: Result<(), tokio_postgres::Error>) -> String {
    let Err(error) = done else { return "done".to_owned() };
    let error = error.as_db_error().unwrap().clone();
    if *error.code() == SqlState::FEATURE_NOT_SUPPORTED {
        // Of TRUNCATE, which may refer to any of several tables.
        return error.code().code().to_owned();
    }
    let mut outcome = error.code().code().to_owned();
    for part in [error.table(), error.constraint(), error.detail()].into_iter().flatten() {
        // The details of a check show the whole row, with times.
        if !part.starts_with("Failing row") {
            write!(outcome, " {part}").unwrap();
        }
    }
    outcome
}

async fn outcomes(client: &Client) -> Vec<(&'static str, String)> {
    let mut outcomes = Vec::new();
    for change in CHANGES {
        client.batch_execute("BEGIN").await.unwrap();
        let mut done = client.batch_execute(change).await;
        if done.is_ok() {
            done = client.batch_execute("SET CONSTRAINTS ALL IMMEDIATE").await;
        }
        outcomes.push((*change, outcome(done)));
        client.batch_execute("ROLLBACK").await.unwrap();
    }
    outcomes
}

#[tokio::test(flavor = "multi_thread")]
async fn triggers_refuse_exactly_what_foreign_keys_refuse() {
    let (_database, client) = filled().await;
    let by_triggers = outcomes(&client).await;
    client.batch_execute(WITH_FOREIGN_KEYS).await.unwrap();
    let by_keys = outcomes(&client).await;
    assert_eq!(by_triggers, by_keys);
    let refused = by_keys.iter().filter(|(_, outcome)| outcome.starts_with("23503")).count();
    assert!(refused > 12, "{by_keys:#?}");
}

/// Returns when a connection of the database waits for a lock.
async fn until_one_waits(client: &Client) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::task::yield_now().await;
    }
}

/// Whoever removes a row and whoever refers to it wait for each other, and the second one is refused.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_removal_and_a_reference_at_the_same_time_one_is_refused() {
    for (refer, remove) in [
        ("SELECT add_line(b(), b())", "DELETE FROM orders WHERE id = b()"),
        ("SELECT add_line(a(), b())", "DELETE FROM menu_items WHERE id = b()"),
        ("SELECT add_order(c(), b())", "DELETE FROM users WHERE id = b()"),
        ("SELECT add_line(b(), a())", "UPDATE orders SET id = c() WHERE id = b()"),
        ("UPDATE order_lines SET menu_item_id = b()", "DELETE FROM menu_items WHERE id = b()"),
    ] {
        for (first, second, ending, is_refused) in
            [(refer, remove, "COMMIT", true), (remove, refer, "COMMIT", true), (remove, refer, "ROLLBACK", false)]
        {
            let (database, client) = filled().await;
            let (one, other) = (database.client().await, database.client().await);
            one.batch_execute(&format!("BEGIN; {first}")).await.unwrap();
            let second = tokio::spawn(async move { other.batch_execute(second).await });
            until_one_waits(&client).await;
            one.batch_execute(ending).await.unwrap();
            let second = second.await.unwrap();
            let refused = second.as_ref().is_err_and(|error| error.code() == Some(&SqlState::FOREIGN_KEY_VIOLATION));
            assert_eq!(refused, is_refused, "{first}, then {ending}: {second:?}");
        }
    }
}

/// Its trigger would not see references that were committed since it began.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_with_a_snapshot_of_its_own_removes_nothing_that_could_be_referred_to() {
    let (_database, client) = filled().await;
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        for change in ["DELETE FROM menu_items WHERE id = b()", "UPDATE orders SET id = c() WHERE id = b()"] {
            let changed = client.batch_execute(&format!("BEGIN ISOLATION LEVEL {level}; {change}")).await;
            client.batch_execute("ROLLBACK").await.unwrap();
            assert_eq!(
                changed.unwrap_err().code(),
                Some(&SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE),
                "{level}: {change}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_table_stands_in_for_no_real_one() {
    let (_database, client) = filled().await;
    client.batch_execute("CREATE TEMP TABLE menu_items AS SELECT c() AS id").await.unwrap();
    let added = client.batch_execute("SELECT add_line(a(), c())").await;
    assert_eq!(added.unwrap_err().code(), Some(&SqlState::FOREIGN_KEY_VIOLATION));
}
