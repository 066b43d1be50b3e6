use comanda_tests::{Client, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

fn id(order: &Value) -> &str {
    order["id"].as_str().expect("an id")
}

#[tokio::test]
async fn an_order_keeps_names_and_prices_of_the_moment() {
    let app = TestApp::open().await;
    let (soup, bread) = (app.item_at(10, 450).await, app.item_at(10, 125).await);
    let customer = app.customer().await;
    let body = json!({
        "items": [
            { "menu_item_id": soup, "quantity": 2, "note": "no 🧅" },
            { "menu_item_id": bread, "quantity": 3 },
            { "menu_item_id": soup, "quantity": 1 },
        ],
        "note": "by the window",
    });
    let placed = customer.post("/v1/orders", &body).await;
    let order = placed.expect(201);
    assert_eq!(placed.header("location"), Some(format!("/v1/orders/{}", id(&order)).as_str()));
    assert_eq!(
        (&order["status"], &order["total"], &order["line_count"], &order["version"], &order["note"]),
        (
            &json!("pending"),
            &json!({ "amount": 1725, "currency": "EUR" }),
            &json!(3),
            &json!(1),
            &json!("by the window")
        )
    );
    assert_eq!(order["customer_id"], json!(customer.id));
    assert_eq!(order["number"].as_str().unwrap().len(), 4);
    let first = &order["items"][0];
    assert_eq!(
        (&first["quantity"], &first["line_total"]["amount"], &first["note"]),
        (&json!(2), &json!(900), &json!("no 🧅"))
    );

    app.admin
        .patch(
            &format!("/v1/menu/items/{soup}"),
            "\"1\"",
            &json!({ "name": "Broth", "price": { "amount": 1, "currency": "EUR" } }),
        )
        .await
        .expect(200);
    assert_eq!(customer.get(&format!("/v1/orders/{}", id(&order))).await.expect(200), order);
    assert_eq!((app.stock(soup).await, app.stock(bread).await), (7, 7));
    app.close().await;
}

#[tokio::test]
async fn the_same_menu_item_on_several_lines_counts_together() {
    let app = TestApp::open().await;
    let item = app.item(3).await;
    let customer = app.customer().await;
    let refused = customer.order(&[(item, 2), (item, 2)]).await;
    assert_eq!(refused.problem(), (409, "insufficient-stock".to_owned()));
    assert_eq!(refused.json()["items"], json!([{ "menu_item_id": item, "requested": 4, "available": 3 }]));
    assert_eq!(app.stock(item).await, 3);
    customer.order(&[(item, 2), (item, 1)]).await.expect(201);
    assert_eq!(app.stock(item).await, 0);
    app.close().await;
}

#[tokio::test]
async fn every_short_menu_item_is_named_at_once_and_nothing_is_taken() {
    let app = TestApp::open().await;
    let (plenty, few, none) = (app.item(9).await, app.item(1).await, app.item(0).await);
    let refused = app.customer().await.order(&[(plenty, 1), (few, 2), (none, 1)]).await;
    assert_eq!(refused.problem(), (409, "insufficient-stock".to_owned()));
    let mut short = refused.json()["items"].as_array().unwrap().clone();
    short.sort_by_key(|item| item["requested"].as_i64());
    assert_eq!(
        short,
        [
            json!({ "menu_item_id": none, "requested": 1, "available": 0 }),
            json!({ "menu_item_id": few, "requested": 2, "available": 1 }),
        ]
    );
    assert_eq!((app.stock(plenty).await, app.orders().await), (9, 0));
}

#[tokio::test]
async fn an_order_of_somebody_else_does_not_exist() {
    let app = TestApp::open().await;
    let item = app.item(10).await;
    let (ana, ben) = (app.customer().await, app.customer().await);
    let order = ana.order(&[(item, 1)]).await.expect(201);
    let path = format!("/v1/orders/{}", id(&order));
    for (client, expected) in [(&ana, 200), (&app.admin, 200), (&ben, 404)] {
        assert_eq!(client.get(&path).await.status, expected);
    }
    assert_eq!(ben.post(&format!("{path}/cancel"), &json!({})).await.problem(), (404, "not-found".to_owned()));
    assert_eq!(app.anonymous().get(&path).await.problem(), (401, "unauthenticated".to_owned()));
    assert_eq!(ben.get("/v1/orders").await.expect(200)["data"], json!([]));
    assert_eq!(app.admin.get("/v1/orders").await.expect(200)["data"][0]["id"], order["id"]);
    assert_eq!(ana.get(&format!("/v1/orders/{}", Uuid::now_v7())).await.problem(), (404, "not-found".to_owned()));
    assert_eq!(ana.get("/v1/orders/nonsense").await.problem(), (404, "not-found".to_owned()));
}

#[tokio::test]
async fn staff_take_an_order_one_step_at_a_time() {
    let app = TestApp::open().await;
    let item = app.item(10).await;
    let customer = app.customer().await;
    let order = customer.order(&[(item, 1)]).await.expect(201);
    let path = format!("/v1/orders/{}/status", id(&order));
    let to = |status: &str| json!({ "status": status });
    assert_eq!(customer.post(&path, &to("accepted")).await.problem(), (403, "forbidden".to_owned()));
    for (version, status) in (2..).zip(["accepted", "preparing", "ready", "completed"]) {
        for wrong in ["pending", "cancelled", "completed"].iter().filter(|wrong| **wrong != status) {
            let response = app.admin.post(&path, &to(wrong)).await;
            assert_eq!(response.problem(), (409, "invalid-transition".to_owned()), "{status}: {wrong}");
        }
        let advanced = app.admin.post(&path, &to(status)).await.expect(200);
        assert_eq!((&advanced["status"], &advanced["version"]), (&json!(status), &json!(version)));
    }
    assert_eq!(app.admin.post(&path, &to("eaten")).await.problem(), (422, "validation-failed".to_owned()));
    let nobody = format!("/v1/orders/{}/status", Uuid::now_v7());
    assert_eq!(app.admin.post(&nobody, &to("accepted")).await.status, 404);
    app.close().await;
}

#[tokio::test]
async fn cancelling_returns_the_stock_exactly_once_however_many_ask() {
    let app = TestApp::with_servers(2, &[]).await;
    let (one, two) = (app.item(10).await, app.item(10).await);
    let customer = app.customer().await;
    let order = customer.order(&[(one, 2), (two, 3), (one, 1)]).await.expect(201);
    let path = format!("/v1/orders/{}/cancel", id(&order));
    let asking: Vec<_> = (0..16)
        .map(|n| {
            let customer = customer.at(&app.servers[n % 2].base_url);
            let path = path.clone();
            async move { customer.post(&path, &json!({ "reason": "changed my mind" })).await }
        })
        .collect();
    let responses = futures_util::future::join_all(asking).await;
    assert_eq!(responses.iter().filter(|response| response.status == 200).count(), 1);
    assert!(
        responses
            .iter()
            .filter(|response| response.status != 200)
            .all(|response| response.code() == "invalid-transition")
    );
    assert_eq!((app.stock(one).await, app.stock(two).await), (10, 10));
    app.close().await;
}

#[tokio::test]
async fn a_customer_can_cancel_until_the_kitchen_starts_and_staff_until_it_is_handed_over() {
    let app = TestApp::open().await;
    let item = app.item(10).await;
    let customer = app.customer().await;
    let order = customer.order(&[(item, 4)]).await.expect(201);
    let path = format!("/v1/orders/{}", id(&order));
    for status in ["accepted", "preparing"] {
        app.admin.post(&format!("{path}/status"), &json!({ "status": status })).await.expect(200);
    }
    let late = Client::send(customer.request(Method::POST, &format!("{path}/cancel"))).await;
    assert_eq!(late.problem(), (409, "invalid-transition".to_owned()));
    assert_eq!(app.stock(item).await, 6);
    // A body is not needed.
    let cancelled = Client::send(app.admin.request(Method::POST, &format!("{path}/cancel"))).await.expect(200);
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(app.stock(item).await, 10);
    app.close().await;
}

#[tokio::test]
async fn the_list_goes_by_pages_newest_first_and_shows_relations_on_request() {
    let app = TestApp::open().await;
    let item = app.item(100).await;
    let customer = app.customer().await;
    let mut placed = Vec::new();
    for _ in 0..5 {
        placed.push(id(&customer.order(&[(item, 1)]).await.expect(201)).to_owned());
    }
    placed.reverse();
    app.admin.post(&format!("/v1/orders/{}/status", placed[4]), &json!({ "status": "accepted" })).await.expect(200);

    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let after = cursor.map(|cursor: String| format!("&cursor={cursor}")).unwrap_or_default();
        let page = customer.get(&format!("/v1/orders?limit=2{after}")).await.expect(200);
        for order in page["data"].as_array().unwrap() {
            assert!(["items", "customer", "payments"].iter().all(|name| order.get(name).is_none()), "{order}");
            seen.push(id(order).to_owned());
        }
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, placed);

    let full = customer.get("/v1/orders?limit=1&include=items,customer,payments").await.expect(200);
    let order = &full["data"][0];
    assert_eq!(
        (&order["items"][0]["menu_item_id"], &order["customer"]["id"], &order["payments"]),
        (&json!(item), &json!(customer.id), &json!([]))
    );
    let pending = customer.get("/v1/orders?status=pending").await.expect(200);
    assert_eq!(pending["data"].as_array().unwrap().len(), 4);
    assert_eq!(customer.get("/v1/orders?include=items,spoons").await.problem(), (400, "invalid-request".to_owned()));
    assert_eq!(customer.get("/v1/orders?status=eaten").await.problem(), (422, "validation-failed".to_owned()));

    let cursor = customer.get("/v1/orders?limit=1").await.expect(200)["next_cursor"].as_str().unwrap().to_owned();
    let mut changed = cursor.clone().into_bytes();
    let last = changed.len() - 1;
    changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    assert_eq!(
        customer.get(&format!("/v1/orders?cursor={changed}")).await.problem(),
        (400, "invalid-cursor".to_owned())
    );
    assert_eq!(
        customer.get(&format!("/v1/menu/items?cursor={cursor}")).await.problem(),
        (400, "invalid-cursor".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_found_by_their_number_and_by_when_they_were_placed() {
    let app = TestApp::open().await;
    let (customer, item) = (app.customer().await, app.item(100).await);
    let mut placed = Vec::new();
    for client in [&customer, &customer, &customer, &app.admin] {
        placed.push(client.order(&[(item, 1)]).await.expect(201));
    }
    let tables = app.database.client().await;
    for (order, at) in placed.iter().zip(["2026-01-31T22:59:59.999Z", "2026-01-31T23:00:00Z", "2026-02-01T00:00:00Z"]) {
        // Completed: one that is not paid for so long would be cancelled.
        let moved = format!("UPDATE orders SET created_at = '{at}', status = 'completed' WHERE id = '{}'", id(order));
        tables.batch_execute(&moved).await.unwrap();
    }
    let ids = async |client: &Client, query: &str| {
        let page = client.get(&format!("/v1/orders?{query}")).await.expect(200);
        let positions = page["data"].as_array().unwrap().iter();
        positions.map(|order| placed.iter().position(|known| known["id"] == order["id"]).unwrap()).collect::<Vec<_>>()
    };
    for (query, expected) in [
        ("created_from=2026-01-31T23:00:00Z", vec![2, 1]),
        ("created_from=2026-02-01T00:00:00%2B01:00", vec![2, 1]),
        ("created_to=2026-01-31T23:00:00Z", vec![0]),
        ("created_from=2026-01-31&created_to=2026-02-01", vec![1, 0]),
        ("created_from=2026-02-01", vec![2]),
        ("created_to=2020-01-01", vec![]),
        ("status=completed&created_to=2026-02-01", vec![1, 0]),
        ("status=pending&created_to=2026-02-01", vec![]),
    ] {
        assert_eq!(ids(&customer, query).await, expected, "{query}");
        let seen_by_staff = if query.contains("created_to") { expected } else { [vec![3], expected].concat() };
        assert_eq!(ids(&app.admin, query).await, seen_by_staff, "{query}");
    }
    for (position, order) in placed.iter().enumerate() {
        let number = order["number"].as_str().unwrap();
        for number in [number.to_owned(), number.to_lowercase()] {
            assert_eq!(ids(&app.admin, &format!("number={number}")).await, [position], "{number}");
            let own = if position == 3 { vec![] } else { vec![position] };
            assert_eq!(ids(&customer, &format!("number={number}")).await, own, "{number}");
        }
    }
    let number = placed[1]["number"].as_str().unwrap();
    assert_eq!(ids(&app.admin, &format!("number={number}&created_from=2026-02-01")).await, Vec::<usize>::new());

    // Page by page.
    let mut found = Vec::new();
    let mut path = "/v1/orders?created_to=2026-02-02&limit=1".to_owned();
    while found.len() < 4 {
        let page = customer.get(&path).await.expect(200);
        found.extend(page["data"].as_array().unwrap().iter().map(|order| order["id"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/orders?created_to=2026-02-02&limit=1&cursor={cursor}");
    }
    assert_eq!(found, [2, 1, 0].map(|position: usize| placed[position]["id"].clone()));

    // Nobody knows where an order stood that is gone.
    let page = customer.get("/v1/orders?created_to=2026-02-02&limit=1").await.expect(200);
    let gone = id(&placed[2]);
    let delete = format!("DELETE FROM order_lines WHERE order_id = '{gone}'; DELETE FROM orders WHERE id = '{gone}'");
    tables.batch_execute(&delete).await.unwrap();
    let path = format!("/v1/orders?created_to=2026-02-02&cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(customer.get(&path).await.problem(), (400, "invalid-cursor".to_owned()));

    for (query, status, pointers) in [
        ("created_from=yesterday", 400, &["/created_from"][..]),
        ("created_to=2026-02-30", 400, &["/created_to"]),
        ("created_to=", 400, &["/created_to"]),
        ("created_from=0000-01-01&created_to=9999-12-31", 422, &["/created_from", "/created_to"]),
        ("created_from=2026-02-01&created_to=2026-01-31", 422, &["/created_to"]),
        ("created_from=2026-02-01&created_to=2026-02-01", 422, &["/created_to"]),
        ("number=417&status=eaten", 422, &["/number", "/status"]),
        ("number=", 422, &["/number"]),
        ("number=I417", 422, &["/number"]),
    ] {
        let response = customer.get(&format!("/v1/orders?{query}")).await;
        let code = if status == 400 { "invalid-request" } else { "validation-failed" };
        assert_eq!(response.problem(), (status, code.to_owned()), "{query}: {}", response.text);
        assert_eq!(response.pointers(), pointers, "{query}: {}", response.text);
    }
}
