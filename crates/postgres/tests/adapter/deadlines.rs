use std::time::Duration;

use comanda_domain::{
    OrderScope, PageLimit,
    ports::{CancelOrderError, OrderCriteria, Orders, OrdersQuery, PlaceOrderError},
};
use comanda_postgres::{Database, DatabaseConfig};

use crate::{
    cancelling::cancellation,
    shop::{DEADLINE, Shop, config, orders},
};

fn first_page() -> OrdersQuery {
    OrdersQuery { scope: OrderScope::All, criteria: OrderCriteria::default(), after: None, limit: PageLimit::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_ends_before_the_request_it_is_for_and_the_next_has_its_usual_time() {
    let shop = Shop::open().await;
    let alone = DatabaseConfig { read_connections: 1, ..config(&shop.database, DEADLINE) };
    let orders = orders(&Database::connect(alone).await.unwrap(), DEADLINE);
    orders.list(first_page()).await.unwrap();

    let mut tables = shop.database.client().await;
    let locked = tables.transaction().await.unwrap();
    locked.batch_execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE").await.unwrap();
    // PostgreSQL itself ends the statement, and its error arrives before the deadline.
    let outcome = comanda_deadline::within(Duration::from_secs(2), orders.list(first_page())).await;
    let error = outcome.expect("in time").expect_err("it is locked").to_string();
    assert!(error.contains("statement timeout"), "{error}");

    // A request with hardly any time left is dropped in the middle.
    let outcome = comanda_deadline::within(Duration::from_millis(200), orders.list(first_page())).await;
    assert!(outcome.is_err() || outcome.is_ok_and(|listed| listed.is_err()));
    let (patient, ()) = tokio::join!(orders.list(first_page()), async {
        shop.until_waiting(1).await;
        // Longer than the requests before it could have waited: this test is about its waiting.
        tokio::time::sleep(Duration::from_millis(2500)).await;
        locked.rollback().await.unwrap();
    });
    patient.expect("it has five seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_ends_before_the_request_it_is_for_however_many_statements_wait() {
    let shop = Shop::open().await;
    let item = shop.item(5).await;
    let id = shop.orders.place(shop.order(&[(&item, 2)])).await.unwrap().outcome.order.id;
    let mut tables = shop.database.client().await;
    let order = tables.transaction().await.unwrap();
    order.batch_execute("SELECT FROM orders FOR UPDATE").await.unwrap();
    let held = shop.hold(&item).await;

    let cancelling = comanda_deadline::within(Duration::from_secs(4), shop.orders.cancel(cancellation(id)));
    let (outcome, ()) = tokio::join!(cancelling, async {
        shop.until_waiting(1).await;
        // Lets the second statement wait, by itself, for longer than the request does.
        tokio::time::sleep(Duration::from_secs(1)).await;
        order.rollback().await.unwrap();
    });
    assert!(matches!(outcome.expect("in time"), Err(CancelOrderError::Unavailable(_))));

    let outcome = comanda_deadline::within(Duration::from_secs(1), shop.orders.place(shop.order(&[(&item, 1)]))).await;
    assert!(matches!(outcome.expect("in time"), Err(PlaceOrderError::Unavailable(_))));
    drop(held);
    shop.orders.place(shop.order(&[(&item, 3)])).await.unwrap();
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_begun_while_a_tenth_of_its_own_time_is_left() {
    let shop = Shop::open().await;
    let item = shop.item(5).await;
    let place = || shop.orders.place(shop.order(&[(&item, 1)]));
    place().await.unwrap();
    // Less than a tenth of the usual time for an order.
    comanda_deadline::within(DEADLINE / 10, place()).await.expect("in time").unwrap();
}
