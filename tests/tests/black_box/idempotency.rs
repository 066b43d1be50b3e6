use std::sync::{Arc, mpsc};

use comanda_tests::{Client, Proxy, TestApp};
use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn thirty_two_requests_with_one_key_are_one_order_and_the_same_bytes() {
    let app = TestApp::with_servers(2, &[]).await;
    let item = app.item(100).await;
    let customer = app.customer().await;
    let asking: Vec<_> = (0..32)
        .map(|n| {
            let customer = customer.at(&app.servers[n % 2].base_url);
            async move { customer.order_with_key("the-one", &[(item, 2)]).await }
        })
        .collect();
    let responses = futures_util::future::join_all(asking).await;

    let first = &responses[0];
    assert!(responses.iter().all(|response| response.status == 201 && response.text == first.text), "{responses:#?}");
    assert!(responses.iter().all(|response| response.header("location") == first.header("location")));
    let replayed = responses.iter().filter(|response| response.header("idempotency-replayed") == Some("true")).count();
    assert_eq!((replayed, app.orders().await, app.stock(item).await), (31, 1, 98));
    app.close().await;
}

#[tokio::test]
async fn a_replay_is_the_first_response_whatever_became_of_the_order() {
    let app = TestApp::open().await;
    let item = app.item(10).await;
    let customer = app.customer().await;
    let first = customer.order_with_key("key", &[(item, 2), (item, 1)]).await;
    let order = first.expect(201);
    let path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
    app.admin.post(&format!("{path}/status"), &json!({ "status": "accepted" })).await.expect(200);
    app.admin.patch(&format!("/v1/menu/items/{item}"), "\"1\"", &json!({ "name": "Renamed" })).await.expect(200);
    customer.post(&format!("{path}/cancel"), &json!({})).await.expect(200);

    let replay = customer.order_with_key("key", &[(item, 2), (item, 1)]).await;
    assert_eq!((replay.status, &replay.text), (201, &first.text));
    assert_eq!((first.header("idempotency-replayed"), replay.header("idempotency-replayed")), (None, Some("true")));
    app.close().await;
}

#[tokio::test]
async fn a_key_stands_for_one_request_of_one_caller() {
    let app = TestApp::open().await;
    let item = app.item(10).await;
    let (ana, ben) = (app.customer().await, app.customer().await);
    let first = ana.order_with_key("key", &[(item, 1)]).await.expect(201);
    assert_eq!(ana.order_with_key("key", &[(item, 2)]).await.problem(), (422, "idempotency-key-reused".to_owned()));
    let other = ben.order_with_key("key", &[(item, 2)]).await.expect(201);
    assert_ne!(first["id"], other["id"]);
    // White space and the order of fields do not make it another request.
    let spaced = format!("{{ \"items\" : [ {{ \"quantity\": 1, \"menu_item_id\": \"{item}\" }} ] }}");
    let request = ana
        .request(Method::POST, "/v1/orders")
        .header("idempotency-key", "key")
        .header("content-type", "application/json")
        .body(spaced);
    assert_eq!(Client::send(request).await.expect(201)["id"], first["id"]);

    let cancel = format!("/v1/orders/{}/cancel", first["id"].as_str().unwrap());
    let with_key = |key: &'static str, body: serde_json::Value| {
        Client::send(ana.request(Method::POST, &cancel).header("idempotency-key", key).json(&body))
    };
    assert_eq!(with_key("key", json!({})).await.problem(), (422, "idempotency-key-reused".to_owned()));
    let cancelled = with_key("cancel", json!({ "reason": "late" })).await;
    let again = with_key("cancel", json!({ "reason": "late" })).await;
    assert_eq!((cancelled.status, again.status, &again.text), (200, 200, &cancelled.text));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(with_key("cancel", json!({})).await.problem(), (422, "idempotency-key-reused".to_owned()));
    assert_eq!(ana.order_with_key("cancel", &[(item, 1)]).await.problem(), (422, "idempotency-key-reused".to_owned()));
    app.close().await;
}

#[tokio::test]
async fn a_refusal_leaves_the_key_free() {
    let app = TestApp::open().await;
    let item = app.item(1).await;
    let customer = app.customer().await;
    assert_eq!(customer.order_with_key("key", &[(item, 2)]).await.code(), "insufficient-stock");
    let delivery = json!({ "delta": 1, "reason": "delivery" });
    app.admin.post(&format!("/v1/menu/items/{item}/stock"), &delivery).await.expect(200);
    let placed = customer.order_with_key("key", &[(item, 2)]).await;
    assert_eq!((placed.status, placed.header("idempotency-replayed")), (201, None));
    app.close().await;
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let app = TestApp::open().await;
    let item = app.item(10).await;
    let customer = app.customer().await;
    let first = customer.order_with_key("key", &[(item, 1)]).await.expect(201);
    let client = app.database.client().await;
    let age = |interval: &'static str| {
        let sql = format!("UPDATE orders SET created_at = created_at - interval '{interval}'");
        let client = &client;
        async move { client.batch_execute(&sql).await.unwrap() }
    };
    age("23 hours 59 minutes").await;
    assert_eq!(customer.order_with_key("key", &[(item, 1)]).await.expect(201)["id"], first["id"]);
    age("2 minutes").await;
    let next = customer.order_with_key("key", &[(item, 3)]).await.expect(201);
    assert_ne!(next["id"], first["id"]);
    assert_eq!(customer.order_with_key("key", &[(item, 3)]).await.expect(201)["id"], next["id"]);
    app.close().await;
}

/// The server dies at the worst moment: after the commit, before it knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_between_commit_and_response_has_placed_one_order() {
    let mut app = TestApp::open().await;
    let item = app.item(10).await;
    let customer = app.customer().await;
    let proxy = Proxy::to(&app.database.server_url).await;
    let doomed = app.open_another_at(&proxy.url.clone(), &[]);
    let server = Arc::new(app.servers.pop().unwrap());

    let (killed, death) = mpsc::channel();
    let victim = Arc::clone(&server);
    proxy.at_next_order(move || {
        victim.signal(Signal::SIGKILL);
        killed.send(()).unwrap();
    });
    let body = json!({ "items": [{ "menu_item_id": item, "quantity": 2 }] });
    let request = customer.at(&doomed).request(Method::POST, "/v1/orders").header("idempotency-key", "key").json(&body);
    assert!(Client::try_send(request).await.is_err(), "no response came");
    assert!(death.try_recv().is_ok(), "the server was killed at the commit");
    assert_eq!((app.orders().await, app.stock(item).await), (1, 8));

    let retry = customer.order_with_key("key", &[(item, 2)]).await;
    assert_eq!((retry.status, retry.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!((app.orders().await, app.stock(item).await), (1, 8));
    drop(server);
    app.close().await;
}
