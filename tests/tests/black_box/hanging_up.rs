use std::time::Duration;

use comanda_tests::{TestApp, seeded};
use rand::RngExt;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Invariants: every order is whole or absent, the stock balances, and no connection is left in a transaction.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_hang_up_at_any_moment_leave_nothing_half_done() {
    let mut random = seeded();
    let app = TestApp::with_servers(2, &[]).await;
    let (one, two) = (app.item(500).await, app.item(500).await);
    let customer = app.customer().await;
    let order = customer.order(&[(one, 1)]).await.expect(201);
    let cancel = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
    let body = json!({ "items": [{ "menu_item_id": two, "quantity": 1 }, { "menu_item_id": one, "quantity": 1 }] })
        .to_string();

    let mut leaving = tokio::task::JoinSet::new();
    for n in 0..300 {
        let address = app.servers[n % 2].address.clone();
        let (path, body) =
            if n % 10 == 9 { (cancel.clone(), "{}".to_owned()) } else { ("/v1/orders".to_owned(), body.clone()) };
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            customer.token(),
            body.len()
        );
        // Some leave in the middle of their own request, the others within the time an order takes.
        let sent = if n % 7 == 0 { random.random_range(0..request.len()) } else { request.len() };
        let limit = Duration::from_micros(random.random_range(0..5000));
        leaving.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(&request.as_bytes()[..sent]).await.unwrap();
            let mut response = [0; 1024];
            // Until the response or the limit, whichever comes first.
            let _ = tokio::time::timeout(limit, stream.read(&mut response)).await;
        });
    }
    leaving.join_all().await;

    // An order of the same menu items waits for whatever is still under way.
    for server in &app.servers {
        customer.at(&server.base_url).order(&[(one, 1), (two, 1)]).await.expect(201);
    }
    let in_transaction = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                          AND state LIKE 'idle in transaction%' AND state_change < now() - interval '100 milliseconds'";
    assert_eq!(app.database.number(in_transaction).await, 0);
    let sold = 500 - app.stock(two).await;
    let whole = "SELECT count(*) FROM order_lines l JOIN orders o ON o.id = l.order_id \
                 WHERE position = 0 AND line_count = 2";
    let held = app.database.number(whole).await;
    assert_eq!(sold, held);
    app.close().await;
}
