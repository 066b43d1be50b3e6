use comanda_domain::{OrderStatus, ports::Orders};
use comanda_postgres::{check_invariants, missing_guards};
use comanda_tests::TestDatabase;

use crate::shop::{DEADLINE, Shop, connect, now};

/// Each invariant finds its own violations, and only those.
#[tokio::test(flavor = "multi_thread")]
async fn every_invariant_can_fail() {
    for (break_it, rule) in [
        ("UPDATE menu_items SET stock = stock - 1", "stock = sum of adjustments"),
        ("DELETE FROM stock_adjustments", "stock = sum of adjustments"),
        (
            "ALTER TABLE menu_items DROP CONSTRAINT stock_is_never_negative; UPDATE menu_items SET stock = -1",
            "no stock is below zero",
        ),
        ("UPDATE supplies SET stock = stock - 1", "a supply's stock = sum of its adjustments"),
        ("DELETE FROM supply_adjustments", "a supply's stock = sum of its adjustments"),
        (
            "UPDATE order_lines SET taken = jsonb_build_object((SELECT id FROM supplies), 1)",
            "a supply's stock = sum of its adjustments",
        ),
        (
            "ALTER TABLE supplies DROP CONSTRAINT supply_is_never_negative; UPDATE supplies SET stock = -1",
            "no stock is below zero",
        ),
        ("UPDATE orders SET total = total + 1", "an order's total and line count"),
        ("UPDATE orders SET line_count = 3", "an order's total and line count"),
        ("UPDATE order_lines SET position = position + 10", "an order's total and line count"),
        ("UPDATE order_lines SET extras = 1", "an order's total and line count"),
        ("UPDATE order_lines SET extras = 1; UPDATE orders SET total = total + 3", "an order's total and line count"),
        (r#"UPDATE order_lines SET selections = '[{"q": 1, "p": 300}]'"#, "an order's total and line count"),
        ("DELETE FROM outbox_events", "every version of an order was announced"),
        ("UPDATE orders SET version = 3", "every version of an order was announced"),
        ("UPDATE orders SET status = 'ready'", "tickets fit their orders"),
        ("UPDATE orders SET status = 'cancelled'", "tickets fit their orders"),
        ("UPDATE kitchen_tickets SET state = 'cooking'", "tickets fit their orders"),
        (
            "UPDATE kitchen_tickets SET state = 'ready'; UPDATE orders SET status = 'preparing'",
            "tickets fit their orders",
        ),
        ("UPDATE kitchen_tickets SET lines = '{0,7}'", "tickets fit their orders"),
        ("UPDATE kitchen_tickets SET lines = '{0,0}'", "tickets fit their orders"),
        ("UPDATE kitchen_tickets SET version = 2", "every version of a ticket was announced"),
        ("INSERT INTO sales_by_quarter_hour VALUES ('2026-01-01T00:00:00Z', 1, 1, 1)", "the sales summaries"),
        (
            "INSERT INTO item_sales_by_hour SELECT '2026-01-01T00:00:00Z', id, 1, 1 FROM menu_items; \
          INSERT INTO item_sales_by_day SELECT '2026-01-01T00:00:00Z', id, 1, 1 FROM menu_items",
            "the sales summaries",
        ),
        (
            "INSERT INTO item_sales_by_hour SELECT '2026-01-01T00:00:00Z', id, 1, 1 FROM menu_items",
            "the sales summaries",
        ),
        ("UPDATE sales_summarized SET transaction_id = 9223372036854775807", "the sales summaries"),
        (
            "INSERT INTO payments (id, order_id, amount, begun_at, updated_at, method, status) \
             SELECT gen_random_uuid(), id, total, now(), now(), 'counter', 'succeeded' FROM orders; \
             UPDATE orders SET status = 'cancelled'",
            "money that came for a cancelled order",
        ),
        (
            "INSERT INTO payments (id, order_id, amount, refunded, begun_at, updated_at, method, status) \
             SELECT gen_random_uuid(), id, total, total, now(), now(), 'counter', 'refunded' FROM orders",
            "money that came for a cancelled order",
        ),
        ("UPDATE orders SET customer_id = gen_random_uuid()", "every order's customer"),
        ("UPDATE order_lines SET order_id = gen_random_uuid() WHERE position = 0", "every order's customer"),
        ("UPDATE order_lines SET menu_item_id = gen_random_uuid() WHERE position = 0", "every order's customer"),
        ("UPDATE orders SET number = 0", "no two orders bear the same running number"),
    ] {
        let shop = Shop::open().await;
        let item = shop.item(9).await;
        shop.supply("Rice", 100).await;
        shop.station("Grill", &["Pasta"]).await;
        for _ in 0..2 {
            let id = shop.orders.place(shop.order(&[(&item, 1), (&item, 2)])).await.unwrap().outcome.order.id;
            shop.orders.advance(id, OrderStatus::Accepted, now(), None).await.unwrap();
        }
        shop.assert_sound().await;
        let client = shop.database.client().await;
        // Bypasses every trigger.
        client.batch_execute(&format!("SET session_replication_role = replica; {break_it}")).await.unwrap();
        let findings = check_invariants(&shop.pool).await.unwrap();
        let broken: Vec<_> = findings.iter().filter(|f| !f.violations.is_empty()).map(|f| f.invariant.rule).collect();
        assert!(broken.iter().any(|found| found.starts_with(rule)), "{break_it}: {broken:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_was_left_open_is_found() {
    let shop = Shop::open().await;
    let item = shop.item(1).await;
    let _holder = shop.hold(&item).await;
    // Only a transaction that has been idle for a second is a violation.
    let found = loop {
        let findings = check_invariants(&shop.pool).await.unwrap();
        if let Some(found) = findings.into_iter().find(|finding| !finding.violations.is_empty()) {
            break found;
        }
        tokio::task::yield_now().await;
    };
    assert!(found.invariant.rule.contains("left in a transaction"));
}

/// With `INSTA_UPDATE=always` the list is written anew.
#[tokio::test(flavor = "multi_thread")]
async fn the_guards_that_are_looked_for_are_those_that_the_migrations_make() {
    const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/invariants/guards.tsv");
    let database = TestDatabase::migrated().await;
    let rows = database.client().await.query(include_str!("../../src/invariants/guards.sql"), &[]).await.unwrap();
    let made: Vec<[String; 4]> = rows.iter().map(|row| [0, 1, 2, 3].map(|column| row.get(column))).collect();
    // Diesel's own table is no business of ours.
    let made = made.iter().filter(|[_, table, ..]| !table.starts_with("__diesel"));
    let made: String = made.map(|guard| guard.join("\t") + "\n").collect();
    assert!(made.lines().all(|line| line.split('\t').count() == 4));
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(LIST, &made).unwrap();
    }
    let list = std::fs::read_to_string(LIST).unwrap();
    let (list, made): (Vec<&str>, Vec<&str>) = (list.lines().collect(), made.lines().collect());
    let gone: Vec<_> = list.iter().filter(|guard| !made.contains(guard)).collect();
    let new: Vec<_> = made.iter().filter(|guard| !list.contains(guard)).collect();
    assert!(gone.is_empty() && new.is_empty(), "no longer made: {gone:#?}; not in the list: {new:#?}");
}

/// Each is found by itself, and what is said to mend it does.
#[tokio::test(flavor = "multi_thread")]
async fn what_guards_the_tables_no_more_is_found_and_mended_as_it_says() {
    let database = TestDatabase::migrated().await;
    let name = database.url.rsplit('/').next().unwrap().to_owned();
    for (break_it, expected) in [
        (
            "ALTER TABLE order_lines DISABLE TRIGGER order_id_is_there".to_owned(),
            "the trigger order_id_is_there on order_lines is disabled",
        ),
        (
            // Fires on a replica alone.
            "ALTER TABLE stock_adjustments ENABLE REPLICA TRIGGER stock_adjustments_are_append_only".to_owned(),
            "the trigger stock_adjustments_are_append_only on stock_adjustments is disabled",
        ),
        (
            "DROP TRIGGER order_lines_keep_deleted ON menu_items".to_owned(),
            "the trigger order_lines_keep_deleted on menu_items is missing",
        ),
        (
            "ALTER TABLE menu_items DROP CONSTRAINT stock_is_never_negative".to_owned(),
            "the constraint stock_is_never_negative on menu_items is missing",
        ),
        ("ALTER TABLE payments DISABLE TRIGGER ALL".to_owned(), "_fkey on "),
        ("DROP INDEX payments_that_count".to_owned(), "the index payments_that_count on payments is missing"),
        (
            format!("ALTER DATABASE {name} SET session_replication_role = replica"),
            "session_replication_role is replica",
        ),
    ] {
        let client = database.client().await;
        client.batch_execute(&break_it).await.unwrap();
        // A setting of the database counts for connections that are opened from now on.
        let missing = missing_guards(&connect(&database, DEADLINE).await).await.unwrap().missing;
        assert!(!missing.is_empty() && missing.iter().all(|guard| guard.says.contains(expected)), "{missing:?}");
        for guard in missing {
            // One statement each: an index is not made CONCURRENTLY along with another.
            client.batch_execute(&guard.mended_by).await.unwrap();
        }
        let left = missing_guards(&connect(&database, DEADLINE).await).await.unwrap().missing;
        assert!(left.is_empty(), "{break_it}: {left:?}");
    }

    // A schema of another release has other guards.
    let client = database.client().await;
    let ahead = "DROP TRIGGER order_lines_keep_deleted ON menu_items; \
                 INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')";
    client.batch_execute(ahead).await.unwrap();
    let guards = missing_guards(&connect(&database, DEADLINE).await).await.unwrap();
    assert!(guards.missing.is_empty() && !guards.all_known, "{guards:?}");
}
