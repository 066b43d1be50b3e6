//! Rows that hold a value which today's rules refuse: each is reported as itself, and hides and stops nothing else.

use comanda_tests::{Client, PASSWORD, Response, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

/// More than open any breaker.
const MANY: usize = 30;

async fn by_hand(app: &TestApp, statements: &str) {
    app.database.client().await.batch_execute(statements).await.unwrap();
}

/// Every entry of a list, a few at a time, and the ids of what is left out of it.
async fn all_of(client: &Client, list: &str, limit: u32) -> (Vec<Value>, Vec<String>) {
    let (mut entries, mut unreadable, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let separator = if list.contains('?') { '&' } else { '?' };
        let page = client.get(&format!("{list}{separator}limit={limit}{cursor}")).await.expect(200);
        entries.extend(page["data"].as_array().unwrap().clone());
        unreadable.extend(unreadable_of(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (entries, unreadable),
        }
    }
}

fn unreadable_of(page: &Value) -> Vec<String> {
    let records = page.get("unreadable").map(|records| records.as_array().unwrap().clone()).unwrap_or_default();
    records.iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
}

fn assert_names(response: &Response, table: &str, id: &str) {
    assert_eq!(response.problem(), (409, "unreadable-record".to_owned()), "{response:?}");
    let record = &response.json()["record"];
    assert_eq!((&record["table"], &record["id"]), (&json!(table), &json!(id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_an_unknown_role_is_reported_as_itself() {
    let metrics = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let app = TestApp::with_servers(1, &[("METRICS_ADDR", &metrics)]).await;
    let item = app.item(100).await;
    let mut addresses = Vec::new();
    for _ in 0..5 {
        addresses.push(app.account().await);
    }
    let chef = app.anonymous().log_in(&addresses[2], PASSWORD).await;
    let order = chef.order(&[(item, 1)]).await.expect(201);
    let id = chef.id.to_string();
    by_hand(
        &app,
        &format!(
            "ALTER TABLE users DROP CONSTRAINT users_role_check; UPDATE users SET role = 'chef' WHERE id = '{id}'"
        ),
    )
    .await;

    for limit in [1, 2, 100] {
        let (accounts, unreadable) = all_of(&app.admin, "/v1/admin/users", limit).await;
        assert_eq!((accounts.len(), &unreadable), (5, &vec![id.clone()]), "with the admin, without the chef");
    }
    let path = format!("/v1/admin/users/{id}");
    let patched = Client::send(app.admin.request(Method::PATCH, &path).json(&json!({ "disabled": true }))).await;
    assert_names(&patched, "users", &id);
    assert_names(&chef.get("/v1/me").await, "users", &id);

    for _ in 0..MANY {
        assert_names(&app.anonymous().try_password(&addresses[2], PASSWORD).await, "users", &id);
    }
    app.anonymous().log_in(&addresses[3], PASSWORD).await;

    let (orders, unreadable) = all_of(&app.admin, "/v1/orders?include=customer,items", 1).await;
    assert_eq!((&orders[0]["id"], orders[0].get("customer"), &unreadable), (&order["id"], None, &vec![id.clone()]));
    assert_eq!(orders[0]["items"], order["items"]);
    let path = format!("/v1/orders/{}?include=customer", order["id"].as_str().unwrap());
    assert_names(&app.admin.get(&path).await, "users", &id);

    let counted = Client::anonymous(&format!("http://{metrics}")).get("/metrics").await.text;
    assert!(counted.contains(r#"comanda_unreadable_records_total{table="users"}"#), "{counted}");
    assert!(app.servers[0].log().iter().any(|line| line.contains("unreadable") && line.contains(&id)));
}

/// The issue's own case: the address was measured before it grew in lower case.
#[tokio::test(flavor = "multi_thread")]
async fn texts_that_todays_rules_refuse_are_shown_as_they_are() {
    let app = TestApp::open().await;
    let (odd, item) = (app.customer().await, app.item(10).await);
    let address = format!("{}abcd@example.org", "\u{2c65}".repeat(30));
    let client = app.database.client().await;
    let hidden = "A\u{200b}na\u{2028}";
    client
        .execute("UPDATE users SET email = $2, name = $3 WHERE id = $1", &[&odd.id, &address, &hidden])
        .await
        .unwrap();
    client
        .execute("UPDATE sessions SET client = $2, network = 'nowhere' WHERE account_id = $1", &[&odd.id, &hidden])
        .await
        .unwrap();
    client
        .execute(
            "UPDATE menu_items SET name = $2, category = $2, low_stock_at = 2000000, version = version + 1 \
             WHERE id = $1",
            &[&item, &hidden],
        )
        .await
        .unwrap();
    for _ in 0..2 {
        app.item(1).await;
    }

    let (accounts, unreadable) = all_of(&app.admin, "/v1/admin/users", 1).await;
    assert!(accounts.iter().any(|account| account["email"] == address && account["name"] == hidden), "{accounts:?}");
    assert_eq!(unreadable, Vec::<String>::new());
    let (items, _) = all_of(&app.admin, "/v1/menu/items", 1).await;
    assert!(items.iter().any(|item| item["name"] == hidden && item["low_stock_at"] == 2_000_000), "{items:?}");
    assert_eq!(items.len(), 3);
    let order = odd.order(&[(item, 1)]).await.expect(201);
    assert_eq!(order["items"][0]["name"], hidden);
    let sessions = odd.get("/v1/me/sessions").await.expect(200);
    assert_eq!(sessions["data"][0]["client"], hidden);

    for _ in 0..MANY {
        let refused = app.anonymous().try_password(&address, PASSWORD).await;
        assert!([401, 422, 429].contains(&refused.status), "{refused:?}");
    }
    let path = format!("/v1/admin/users/{}", odd.id);
    let patched = Client::send(app.admin.request(Method::PATCH, &path).json(&json!({ "disabled": true }))).await;
    assert_eq!(patched.expect(200)["disabled"], true);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_menu_item_that_cannot_be_read_stops_only_the_orders_that_name_it() {
    let app = TestApp::open().await;
    let (bad, good) = (app.item(10).await, app.item(100).await);
    let customer = app.customer().await;
    by_hand(
        &app,
        &format!(
            "ALTER TABLE menu_items DROP CONSTRAINT menu_items_price_check; \
             UPDATE menu_items SET price = -5, version = version + 1 WHERE id = '{bad}'; \
             UPDATE menu_version SET version = version + 1"
        ),
    )
    .await;
    let id = bad.to_string();

    let (good_line, bad_line) = ([(good, 1)], [(bad, 1)]);
    let orders = (0..MANY).map(|n| customer.order(if n % 2 == 0 { &good_line } else { &bad_line }));
    for (n, response) in futures_util::future::join_all(orders).await.iter().enumerate() {
        match n % 2 {
            0 => drop(response.expect(201)),
            _ => assert_names(response, "menu_items", &id),
        }
    }
    assert_eq!((app.stock(bad).await, app.stock(good).await), (10, 100 - i64::try_from(MANY / 2).unwrap()));

    let (items, unreadable) = all_of(&app.admin, "/v1/menu/items", 1).await;
    assert_eq!((items.len(), unreadable), (1, vec![id.clone()]));
    let (items, unreadable) = all_of(&customer, "/v1/menu/items", 1).await;
    assert_eq!((items.len(), unreadable), (1, vec![]), "guests can do nothing about it");
    assert_names(&app.admin.get(&format!("/v1/menu/items/{id}")).await, "menu_items", &id);
    let edited = app.admin.patch(&format!("/v1/menu/items/{id}"), "\"1\"", &json!({ "active": false })).await;
    assert_names(&edited, "menu_items", &id);
    let menu = app.anonymous().get("/v1/menu").await.expect(200);
    assert!(menu.to_string().contains(&good.to_string()), "{menu}");

    let export = app.comanda(&["menu", "export"]);
    let (file, said) = (String::from_utf8_lossy(&export.stdout), String::from_utf8_lossy(&export.stderr));
    assert_eq!(export.status.code(), Some(1), "{said}");
    assert!(file.contains(&good.to_string()) && !file.contains(&id), "{file}");
    assert!(said.contains("not the whole menu") && said.contains(&id), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_cannot_be_read_is_reported_as_itself() {
    let app = TestApp::open().await;
    let item = app.item(100).await;
    let customer = app.customer().await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        let order = customer.order(&[(item, 1)]).await.expect(201);
        ids.push(order["id"].as_str().unwrap().to_owned());
    }
    let pay = |id: &str| {
        let (customer, path) = (customer.clone(), format!("/v1/orders/{id}/payments"));
        async move { customer.post(&path, &json!({ "method": "counter" })).await.expect(201) }
    };
    let payment = pay(&ids[3]).await;
    pay(&ids[4]).await;
    let [lost, without_lines, oddly_paid] = [&ids[1], &ids[2], &ids[3]];
    by_hand(
        &app,
        &format!(
            "ALTER TABLE orders DROP CONSTRAINT orders_status_check; \
             UPDATE orders SET status = 'lost' WHERE id = '{lost}'; \
             ALTER TABLE order_lines DROP CONSTRAINT order_lines_quantity_check; \
             UPDATE order_lines SET quantity = 0 WHERE order_id = '{without_lines}'; \
             ALTER TABLE payments DROP CONSTRAINT payments_method_check; \
             UPDATE payments SET method = 'shells' WHERE order_id = '{oddly_paid}'"
        ),
    )
    .await;
    let payment = payment["id"].as_str().unwrap();

    for client in [&customer, &app.admin] {
        for limit in [1, 4, 100] {
            let (orders, unreadable) = all_of(client, "/v1/orders?include=items,payments", limit).await;
            assert_eq!(orders.len(), 5, "all but the lost one");
            let mut sorted = unreadable.clone();
            sorted.sort();
            let mut expected = vec![lost.clone(), without_lines.clone(), payment.to_owned()];
            expected.sort();
            assert_eq!(sorted, expected);
            for order in orders {
                assert_eq!(order.get("items").is_some(), order["id"] != **without_lines, "{order}");
                assert_eq!(order.get("payments").is_some(), order["id"] != **oddly_paid, "{order}");
            }
        }
    }
    for _ in 0..MANY {
        assert_names(&customer.get(&format!("/v1/orders/{lost}")).await, "orders", lost);
    }
    // Asked for in one turn of the runtime, they share a statement.
    let asked: Vec<String> = ids.iter().map(|id| format!("/v1/orders/{id}")).collect();
    let found = futures_util::future::join_all(asked.iter().map(|path| customer.get(path))).await;
    let statuses: Vec<u16> = found.iter().map(|response| response.status).collect();
    assert_eq!(statuses, [200, 409, 409, 200, 200, 200]);
    assert_names(&found[2], "order_lines", without_lines);
    assert_names(&customer.get(&format!("/v1/orders/{oddly_paid}?include=payments")).await, "payments", payment);
    for (path, body) in [("cancel", json!({})), ("status", json!({ "status": "accepted" }))] {
        let refused = app.admin.post(&format!("/v1/orders/{lost}/{path}"), &body).await;
        assert_names(&refused, "orders", lost);
    }
    app.admin.post(&format!("/v1/orders/{}/cancel", ids[5]), &json!({})).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_record_of_an_unknown_kind_hides_no_other() {
    let app = TestApp::open().await;
    app.item(1).await;
    let insert =
        "INSERT INTO audit_log (happened_at, action, target) SELECT now(), 'mystery', 'x' FROM generate_series(1, 3)";
    by_hand(&app, insert).await;
    app.item(1).await;
    for limit in [1, 100] {
        let (records, unreadable) = all_of(&app.admin, "/v1/admin/audit-log", limit).await;
        assert_eq!(records.iter().filter(|record| record["action"] == "menu_item.added").count(), 2, "{records:?}");
        assert_eq!(unreadable.len(), 3);
    }
    app.close().await;
}
