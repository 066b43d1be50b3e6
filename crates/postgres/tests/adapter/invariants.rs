use comanda_domain::ports::Orders;
use comanda_postgres::check_invariants;

use crate::shop::Shop;

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
        ("UPDATE orders SET total = total + 1", "an order's total and line count"),
        ("UPDATE orders SET line_count = 3", "an order's total and line count"),
        ("UPDATE order_lines SET position = position + 10", "an order's total and line count"),
        ("DELETE FROM outbox_events", "every version of an order was announced"),
        ("UPDATE orders SET version = 2", "every version of an order was announced"),
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
        for _ in 0..2 {
            shop.orders.place(shop.order(&[(&item, 1), (&item, 2)])).await.unwrap();
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
