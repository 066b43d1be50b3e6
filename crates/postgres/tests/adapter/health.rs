use std::time::{Duration, Instant};

use comanda_domain::ports::{ComponentHealth, Orders, PlaceOrderError};
use comanda_postgres::PostgresHealth;

use crate::shop::Shop;

/// As a disk that is full of other things fails orders: what is there can be read, and written in place.
const FULL: &str = "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS \
    $$ BEGIN RAISE 'could not extend file \"base/5/16397\": No space left on device' USING ERRCODE = '53100'; END $$; \
    CREATE TRIGGER fail BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION fail()";

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_no_orders_is_unwell_until_it_takes_some_though_nobody_orders_any_more() {
    let shop = Shop::open().await;
    let health = PostgresHealth::new(shop.pool.clone());
    let item = shop.item(2).await;
    shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap();
    health.check().await.unwrap();

    let tables = shop.database.client().await;
    tables.batch_execute(FULL).await.unwrap();
    let failed = shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap_err();
    assert!(matches!(failed, PlaceOrderError::Unavailable(_)), "{failed}");
    // One that is refused before it would be written shows nothing.
    let refused = shop.orders.place(shop.order(&[(&item, 3)])).await.unwrap_err();
    assert!(!matches!(refused, PlaceOrderError::Unavailable(_)), "{refused}");
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(4) {
        let error = health.check().await.expect_err("orders cannot be written");
        assert!(error.to_string().contains("No space left"), "{error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    tables.batch_execute("DROP TRIGGER fail ON orders").await.unwrap();
    let begin = Instant::now();
    while health.check().await.is_err() {
        assert!(begin.elapsed() < Duration::from_secs(5), "it is well");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(shop.database.number("SELECT count(*) FROM orders").await, 1, "what was tried is taken back");
    assert_eq!(shop.database.number("SELECT count(*) FROM outbox_events WHERE kind = 'order.placed'").await, 1);
}

/// Nobody orders, so nothing but the check can find out.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_unwell_while_a_table_of_orders_is_locked_for_long_and_well_seconds_after() {
    let shop = Shop::open().await;
    let health = PostgresHealth::new(shop.pool.clone());
    let item = shop.item(10).await;
    shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap();
    let somebody = shop.database.client().await;
    for mode in ["ACCESS EXCLUSIVE", "SHARE"] {
        somebody.batch_execute(&format!("BEGIN; LOCK TABLE menu_items IN {mode} MODE")).await.unwrap();
        // For a moment it may.
        health.check().await.unwrap();
        let begin = Instant::now();
        let error = loop {
            match health.check().await {
                Ok(()) => assert!(begin.elapsed() < Duration::from_secs(6), "it is well"),
                Err(error) => break error.to_string(),
            }
        };
        assert!(error.contains("a table is locked by another session"), "{error}");
        assert!(health.check().await.is_err(), "as long as it lasts");
        somebody.batch_execute("ROLLBACK").await.unwrap();
        health.check().await.unwrap();
        // That it was locked earlier does not count.
        somebody.batch_execute(&format!("BEGIN; LOCK TABLE menu_items IN {mode} MODE")).await.unwrap();
        health.check().await.unwrap();
        somebody.batch_execute("ROLLBACK").await.unwrap();
        health.check().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_somebody_holds_makes_no_database_unwell() {
    let shop = Shop::with_deadline(Duration::from_millis(800)).await;
    let health = PostgresHealth::new(shop.pool.clone());
    let item = shop.item(10).await;
    shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap();
    let somebody = shop.database.client().await;
    somebody.batch_execute("BEGIN; SELECT FROM menu_items FOR UPDATE").await.unwrap();
    let begin = Instant::now();
    // Long enough for orders to be late, and for that to count.
    while begin.elapsed() < Duration::from_secs(6) {
        assert!(shop.orders.place(shop.order(&[(&item, 1)])).await.is_err());
        health.check().await.unwrap();
    }
    somebody.batch_execute("ROLLBACK").await.unwrap();
}
