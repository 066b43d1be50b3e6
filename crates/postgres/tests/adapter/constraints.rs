use comanda_domain::ports::{Checkout, Orders};
use comanda_postgres::PostgresPayments;

use crate::{payments::by_card, shop::Shop};

/// Changes that the tables refuse, whichever program makes them.
#[tokio::test(flavor = "multi_thread")]
async fn the_database_refuses_what_would_break_the_rules() {
    let shop = Shop::open().await;
    let item = shop.item(5).await;
    let order = shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap().outcome.order.id;
    PostgresPayments::new(shop.pool.clone()).begin(by_card(order)).await.unwrap();
    let client = shop.database.client().await;
    let supply = "WITH added AS (INSERT INTO supplies (id, created_at, updated_at, stock, low_stock_at, unit, name) \
                  VALUES (gen_random_uuid(), now(), now(), 5, 1, 'g', 'Rice') RETURNING id) \
                  INSERT INTO supply_adjustments (supply_id, adjusted_at, delta, reason) \
                  SELECT id, now(), 5, 'first stock' FROM added";
    client.batch_execute(supply).await.unwrap();
    for (statement, complaint) in [
        ("UPDATE menu_items SET stock = -1, version = version + 1", "stock_is_never_negative"),
        ("UPDATE menu_items SET stock = stock", "must raise version"),
        ("UPDATE menu_items SET stock = stock, version = version + 2", "must raise version"),
        ("UPDATE menu_items SET stock = stock, version = version - 1", "must raise version"),
        ("UPDATE menu_items SET price = -1, version = version + 1", "menu_items_price_check"),
        ("UPDATE menu_items SET price = 100000001, version = version + 1", "menu_items_price_check"),
        ("DELETE FROM menu_items", "foreign key"),
        ("DELETE FROM users", "foreign key"),
        ("UPDATE order_lines SET quantity = 0", "order_lines_quantity_check"),
        ("UPDATE order_lines SET quantity = 101", "order_lines_quantity_check"),
        ("UPDATE order_lines SET unit_price = -1", "order_lines_unit_price_check"),
        ("UPDATE order_lines SET extras = -1", "order_lines_extras_check"),
        ("UPDATE orders SET status = 'eaten'", "orders_status_check"),
        ("UPDATE orders SET total = -1", "orders_total_check"),
        ("UPDATE orders SET idempotency_key = 'key'", "orders_check"),
        ("UPDATE stock_adjustments SET delta = 100", "append-only"),
        ("DELETE FROM stock_adjustments", "append-only"),
        ("TRUNCATE stock_adjustments", "append-only"),
        ("UPDATE supplies SET stock = -1, version = version + 1", "supply_is_never_negative"),
        ("UPDATE supplies SET stock = stock", "must raise version"),
        ("UPDATE supplies SET stock = stock, version = version + 2", "supply_version_rises_by_one"),
        ("UPDATE supplies SET unit = 'cup', version = version + 1", "supplies_unit_check"),
        ("DELETE FROM supplies", "foreign key"),
        ("UPDATE supply_adjustments SET delta = 100", "append-only"),
        ("DELETE FROM supply_adjustments", "append-only"),
        ("TRUNCATE supply_adjustments", "append-only"),
        (
            "INSERT INTO supply_adjustments (supply_id, adjusted_at, delta, reason) \
             SELECT id, now(), 0, '' FROM supplies",
            "supply_adjustments_delta_check",
        ),
        (
            "INSERT INTO supplies (id, created_at, updated_at, stock, low_stock_at, unit, name) \
             VALUES (gen_random_uuid(), now(), now(), 5, 1, 'g', 'RICE')",
            "supply_names",
        ),
        ("UPDATE users SET role = 'owner'", "users_role_check"),
        (
            "INSERT INTO payment_incidents \
               (id, payment_id, amount, opened_at, reported_at, kind, currency, status, reason) \
             SELECT 'pi_' || n, id, n, now(), now(), 'mismatch', 'EUR', 'needs_response', 'amount' \
             FROM payments, generate_series(1, 2) n",
            "mismatch_of_payment",
        ),
        ("INSERT INTO menu_version (only_row, version) VALUES (false, 9)", "menu_version_only_row_check"),
    ] {
        let error = client.batch_execute(statement).await.expect_err(statement).to_string();
        let detail = client.batch_execute(statement).await.unwrap_err();
        let message =
            detail.as_db_error().map_or(error, |db| format!("{} {}", db.message(), db.constraint().unwrap_or("")));
        assert!(message.contains(complaint), "{statement}: {message}");
    }
    shop.assert_sound().await;
}
