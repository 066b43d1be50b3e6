use std::time::Duration;

use comanda_domain::{
    account::OrderScope,
    page::PageLimit,
    ports::{OrderBook, OrdersQuery},
};
use comanda_postgres::{Database, DatabaseConfig};

use crate::shop::{DEADLINE, Shop, config, order_book};

fn first_page() -> OrdersQuery {
    OrdersQuery { scope: OrderScope::All, status: None, after: None, limit: PageLimit::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_ends_before_the_request_it_is_for_and_the_next_has_its_usual_time() {
    let shop = Shop::open().await;
    let alone = DatabaseConfig { read_connections: 1, ..config(&shop.database, DEADLINE) };
    let orders = order_book(&Database::connect(alone).await.unwrap(), DEADLINE);
    orders.list(first_page()).await.unwrap();

    let mut tables = shop.database.client().await;
    let locked = tables.transaction().await.unwrap();
    locked.batch_execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE").await.unwrap();
    // Nobody but PostgreSQL ends it: its word for that comes before the time is over.
    let told = comanda_deadline::within(Duration::from_secs(2), orders.list(first_page())).await;
    let error = told.expect("in time").expect_err("it is locked").to_string();
    assert!(error.contains("statement timeout"), "{error}");

    // Somebody who has hardly any time leaves in the middle of it.
    let told = comanda_deadline::within(Duration::from_millis(200), orders.list(first_page())).await;
    assert!(told.is_err() || told.is_ok_and(|listed| listed.is_err()));
    let (patient, ()) = tokio::join!(orders.list(first_page()), async {
        shop.until_waiting(1).await;
        // Longer than those before it could have waited; that it waits is what is tried.
        tokio::time::sleep(Duration::from_millis(2500)).await;
        locked.rollback().await.unwrap();
    });
    patient.expect("it has five seconds");
}
