//! Reading orders and the menu: a page of many takes as many statements as a page of one.

use comanda_tests::{Client, TestApp};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_hundred_orders_takes_as_many_statements_as_one_of_one() {
    // Relations are read only on request.
    let app = TestApp::open().await;
    let item = app.item(1000).await;
    for customer in app.customers(4).await {
        for _ in 0..25 {
            customer.order(&[(item, 1)]).await.expect(201);
        }
    }
    let staff = &app.admin;
    let statements = async |limit: usize| {
        let relations = ["%FROM \"orders\"%", "%FROM \"order_lines\"%", "%FROM \"users\"%"];
        let count = async || {
            let mut counts = Vec::new();
            for relation in relations {
                counts.push(app.database.statements(relation).await);
            }
            counts
        };
        let before = count().await;
        let page = staff.get(&format!("/v1/orders?limit={limit}&include=items,customer,payments")).await.expect(200);
        let orders = page["data"].as_array().unwrap();
        assert_eq!(orders.len(), limit);
        assert!(orders.iter().all(|order| order["items"][0]["quantity"] == 1 && order["customer"]["name"] == "Ana"));
        assert!(orders.iter().all(|order| order["payments"] == json!([])));
        let after = count().await;
        after.iter().zip(&before).map(|(after, before)| after - before).collect::<Vec<_>>()
    };
    assert_eq!(statements(1).await, [1, 1, 1]);
    assert_eq!(statements(100).await, [1, 1, 1]);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_the_menu_takes_as_many_statements_as_one_menu_item() {
    let app = TestApp::open().await;
    let supply = json!({ "name": "Dough", "unit": "g", "stock": 9000 });
    let supply = app.admin.post("/v1/supplies", &supply).await.expect(201)["id"].clone();
    let put = async |path: String, etag: &str, body: &serde_json::Value| {
        let request = app.admin.request(reqwest::Method::PUT, &path).header("If-Match", etag).json(body);
        Client::send(request).await.expect(200);
    };
    for n in 0..12 {
        let option = json!({ "name": "Large", "supply": { "supply_id": supply, "amount": 50 } });
        let group = json!({ "name": format!("Size {n}"), "options": [option] });
        let group = app.admin.post("/v1/menu/option-groups", &group).await.expect(201)["id"].clone();
        let item = format!("/v1/menu/items/{}", app.item(5).await);
        put(format!("{item}/recipe"), "\"1\"", &json!([{ "supply_id": supply, "amount": 200 }])).await;
        put(format!("{item}/option-groups"), "\"2\"", &json!([{ "group_id": group, "min": 0, "max": 1 }])).await;
    }
    let statements = async |path: &str, limit: usize| {
        let tables = ["recipe_ingredients", "menu_item_option_groups", "option_groups", "menu_options", "supplies"];
        let count = async || {
            let mut counts = Vec::new();
            for table in tables {
                counts.push(app.database.statements(&format!("SELECT%FROM \"{table}\"%")).await);
            }
            counts
        };
        let before = count().await;
        let page = app.anonymous().get(&format!("{path}?limit={limit}")).await.expect(200);
        let entries = page["data"].as_array().unwrap();
        assert_eq!(entries.len(), limit);
        assert!(entries.iter().all(|entry| entry["option_groups"][0]["options"][0]["name"] == "Large"
            || entry["options"][0]["name"] == "Large"));
        let after = count().await;
        after.iter().zip(&before).map(|(after, before)| after - before).collect::<Vec<_>>()
    };
    for limit in [1, 12] {
        assert_eq!(statements("/v1/menu/items", limit).await, [1, 1, 1, 1, 1], "{limit}");
        assert_eq!(statements("/v1/menu/option-groups", limit).await, [0, 0, 1, 1, 0], "{limit}");
    }
    app.close().await;
}

/// `xtask/sql/reads/fill.sql`, smaller.
async fn fill(app: &TestApp, orders: u32) {
    let sql = include_str!("../../../xtask/sql/reads/fill.sql").replace("{orders}", &orders.to_string());
    let mut client = app.database.client().await;
    let transaction = client.transaction().await.unwrap();
    transaction.batch_execute(&sql).await.unwrap();
    transaction.commit().await.unwrap();
    client.batch_execute("VACUUM ANALYZE").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_scans_all_orders_or_events() {
    let mut app = TestApp::open().await;
    fill(&app, 60_000).await;
    app.open_another(&[]);
    let (item, customer) = (app.item(50).await, app.customer().await);
    // Rows rather than scans: PostgreSQL counts it as a scan, too, when it adds a few pages to the index by time.
    let read = "SELECT sum(seq_tup_read)::bigint FROM pg_stat_user_tables WHERE relname IN ('orders', 'outbox_events')";
    let before = app.database.number(read).await;

    let order = customer.order_with_key("first", &[(item, 1)]).await.expect(201);
    customer.order_with_key("first", &[(item, 1)]).await.expect(201);
    let path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
    customer.get(&path).await.expect(200);
    app.admin.post(&format!("{path}/status"), &json!({ "status": "accepted" })).await.expect(200);
    let cancel = customer.request(reqwest::Method::POST, &format!("{path}/cancel")).header("idempotency-key", "second");
    Client::send(cancel.json(&json!({}))).await.expect(200);
    for reader in [&customer, &app.admin] {
        for status in ["", "&status=pending", "&status=preparing", "&status=completed", "&status=cancelled"] {
            let page = reader.get(&format!("/v1/orders?include=items,customer,payments{status}")).await.expect(200);
            if let Some(cursor) = page["next_cursor"].as_str() {
                reader.get(&format!("/v1/orders?cursor={cursor}{status}")).await.expect(200);
            }
        }
    }
    let hour_ago = (chrono::Utc::now() - chrono::TimeDelta::minutes(59)).format("%Y-%m-%dT%H:%M:%SZ");
    for report in [
        "top-items".to_owned(),
        "sales".to_owned(),
        format!("top-items?from={hour_ago}"),
        format!("sales?from={hour_ago}&interval=hour"),
    ] {
        app.admin.get(&format!("/v1/analytics/{report}")).await.expect(200);
    }

    // PostgreSQL publishes the counts of a connection when it is closed.
    for server in app.servers.drain(..) {
        server.stop();
    }
    let rows = app.database.number(read).await - before;
    assert!(rows < 30_000, "{rows} rows were read in sequence");
    app.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_stable_while_orders_come_in() {
    let app = TestApp::open().await;
    let item = app.item(1000).await;
    let customer = app.customer().await;
    let mut placed = Vec::new();
    for _ in 0..25 {
        placed.push(customer.order(&[(item, 1)]).await.expect(201)["id"].clone());
    }
    placed.reverse();
    let (mut listed, mut path) = (Vec::new(), "/v1/orders?limit=4".to_owned());
    loop {
        let page = customer.get(&path).await.expect(200);
        listed.extend(page["data"].as_array().unwrap().iter().map(|order| order["id"].clone()));
        customer.order(&[(item, 1)]).await.expect(201);
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/orders?limit=4&cursor={cursor}");
    }
    assert_eq!(listed, placed, "each once, and none that came later");
    app.close().await;
}

#[tokio::test]
async fn lists_for_admins_can_be_filtered() {
    let app = TestApp::open().await;
    let (ana, admin) = (app.customer().await, &app.admin);
    app.customer().await;
    let path = format!("/v1/admin/users/{}", ana.id);
    let shut = admin.request(reqwest::Method::PATCH, &path).json(&json!({ "role": "staff", "disabled": true }));
    Client::send(shut).await.expect(200);
    let ids = async |path: &str, field: &str| {
        let page = admin.get(path).await.expect(200);
        page["data"].as_array().unwrap().iter().map(|entry| entry[field].clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids("/v1/admin/users?role=staff", "id").await, [json!(ana.id)]);
    assert_eq!(ids("/v1/admin/users?disabled=true", "id").await, [json!(ana.id)]);
    assert_eq!(ids("/v1/admin/users?role=customer&disabled=false", "id").await.len(), 1);
    let role_changes = ids("/v1/admin/audit-log?action=account.role_changed", "target").await;
    assert_eq!(role_changes, [json!(ana.id)]);
    assert_eq!(ids(&format!("/v1/admin/audit-log?target={}", ana.id), "action").await.len(), 2);
    assert_eq!(ids(&format!("/v1/admin/audit-log?actor_id={}", ana.id), "action").await.len(), 0);
    for (path, problem, field) in [
        ("/v1/admin/users?role=cook", (422, "validation-failed"), "/role"),
        ("/v1/admin/users?disabled=maybe", (400, "invalid-request"), "/disabled"),
        ("/v1/admin/audit-log?action=nothing", (422, "validation-failed"), "/action"),
        ("/v1/admin/audit-log?actor_id=me", (400, "invalid-request"), "/actor_id"),
        ("/v1/admin/audit-log?target=a%00b", (422, "validation-failed"), "/target"),
    ] {
        let response = admin.get(path).await;
        assert_eq!(response.problem(), (problem.0, problem.1.to_owned()), "{path}");
        assert_eq!(response.pointers(), [field], "{path}");
    }
}
