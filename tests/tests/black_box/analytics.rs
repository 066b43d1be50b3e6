use comanda_tests::{Client, TestApp};
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sold_is_reported_and_what_was_cancelled_is_not() {
    let app = TestApp::open().await;
    let (pasta, salad) = (app.item_at(100, 1250).await, app.item_at(100, 700).await);
    let customer = app.customer().await;
    customer.order(&[(pasta, 3), (salad, 1)]).await.expect(201);
    customer.order(&[(salad, 1)]).await.expect(201);
    let cancelled = customer.order(&[(salad, 50)]).await.expect(201);
    customer.post(&format!("/v1/orders/{}/cancel", cancelled["id"].as_str().unwrap()), &json!({})).await.expect(200);

    let staff = &app.admin;
    let top = staff.get("/v1/analytics/top-items").await.expect(200);
    let row = |item: uuid::Uuid, quantity: i64, revenue: i64| {
        (json!(item), json!(quantity), json!({ "amount": revenue, "currency": "EUR" }))
    };
    let rows = top["data"].as_array().unwrap();
    let reported: Vec<_> =
        rows.iter().map(|r| (r["menu_item_id"].clone(), r["quantity"].clone(), r["revenue"].clone())).collect();
    assert_eq!(reported, [row(pasta, 3, 3750), row(salad, 2, 1400)]);
    assert!(rows[0]["name"].as_str().unwrap().starts_with("Menu item "));
    assert_eq!(staff.get("/v1/analytics/top-items?limit=1").await.expect(200)["data"].as_array().unwrap().len(), 1);

    let path = "/v1/analytics/top-items?include=options";
    let with_options = staff.get(path).await.expect(200);
    assert!(rows.iter().all(|row| row.get("options").is_none()), "nobody asked: {top}");
    assert!(with_options["data"].as_array().unwrap().iter().all(|row| row["options"] == json!([])), "{with_options}");
    let csv = Client::send(staff.request(Method::GET, path).header("accept", "text/csv")).await;
    let lines: Vec<&str> = csv.text.lines().collect();
    assert_eq!(lines[0], "menu_item_id,name,option_id,group,option,quantity,revenue,currency");
    assert!(lines[1].starts_with(&pasta.to_string()) && lines[1].ends_with(",,,,3,37.50,EUR"), "{csv:?}");

    let sales = staff.get("/v1/analytics/sales?interval=hour&tz=Asia/Kolkata").await.expect(200);
    let rows = sales["data"].as_array().unwrap();
    assert!(rows.len() > 700, "empty ones included: {}", rows.len());
    let total = |field: &str| rows.iter().map(|row| row[field].as_i64().unwrap()).sum::<i64>();
    assert_eq!((total("orders"), total("quantity")), (2, 5));
    let revenue: i64 = rows.iter().map(|row| row["revenue"]["amount"].as_i64().unwrap()).sum();
    assert_eq!(revenue, 5150);
    assert!(rows.windows(2).all(|pair| pair[0]["to"] == pair[1]["from"]));
    assert!(rows[1]["from"].as_str().unwrap().ends_with(":30:00.000Z"), "where it is half past in London");

    let csv = Client::send(staff.request(Method::GET, "/v1/analytics/top-items").header("accept", "text/csv")).await;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    let lines: Vec<&str> = csv.text.lines().collect();
    assert_eq!(lines[0], "menu_item_id,name,quantity,revenue,currency");
    assert!(lines[1].starts_with(&pasta.to_string()) && lines[1].ends_with(",3,37.50,EUR"), "{csv:?}");
    let path = "/v1/analytics/sales?from=2026-03-28&to=2026-03-31&tz=Europe/Berlin";
    let csv = Client::send(staff.request(Method::GET, path).header("accept", "text/csv;q=0.9, application/json;q=0.1"));
    assert_eq!(
        csv.await.text,
        "from,to,orders,quantity,revenue,currency,paid,refunded\r\n\
         2026-03-28T00:00:00+01:00,2026-03-29T00:00:00+01:00,0,0,0.00,EUR,0.00,0.00\r\n\
         2026-03-29T00:00:00+01:00,2026-03-30T00:00:00+02:00,0,0,0.00,EUR,0.00,0.00\r\n\
         2026-03-30T00:00:00+02:00,2026-03-31T00:00:00+02:00,0,0,0.00,EUR,0.00,0.00\r\n"
    );
    app.close().await;
}

#[tokio::test]
async fn reports_are_for_staff_and_name_invalid_parameters() {
    let app = TestApp::open().await;
    for path in ["/v1/analytics/top-items", "/v1/analytics/sales"] {
        assert_eq!(app.anonymous().get(path).await.problem(), (401, "unauthenticated".to_owned()));
        assert_eq!(app.customer().await.get(path).await.problem(), (403, "forbidden".to_owned()));
    }
    for (query, problem, fields) in [
        ("top-items?limit=0", (422, "validation-failed"), vec!["/limit"]),
        ("top-items?limit=9223372036854775808", (422, "validation-failed"), vec!["/limit"]),
        ("top-items?from=yesterday", (400, "invalid-request"), vec!["/from"]),
        ("top-items?to=2026-13-01", (400, "invalid-request"), vec!["/to"]),
        ("top-items?from=2026-02-01&to=2026-01-01", (422, "validation-failed"), vec!["/to"]),
        ("top-items?from=2010-01-01&to=2026-01-01", (422, "validation-failed"), vec!["/to"]),
        ("top-items?tz=UTC", (400, "invalid-request"), vec!["/tz"]),
        ("top-items?include=options,prices", (400, "invalid-request"), vec![]),
        ("sales?tz=Mars/Olympus&interval=minute", (422, "validation-failed"), vec!["/tz", "/interval"]),
        ("sales?from=2020-01-01&to=2026-01-01&interval=hour", (422, "validation-failed"), vec!["/interval"]),
        ("sales?tz=a%00b", (422, "validation-failed"), vec!["/tz"]),
    ] {
        let response = app.admin.get(&format!("/v1/analytics/{query}")).await;
        assert_eq!(response.problem(), (problem.0, problem.1.to_owned()), "{query}");
        assert_eq!(response.pointers(), fields, "{query}");
    }
    for fine in [
        "sales?from=2026-01-01T00:00:00%2B01:00&to=2026-01-02T00:00:00+01:00",
        "sales?from=0001-01-01&to=0001-01-09&tz=Europe/Berlin",
        "sales?from=1890-01-01&to=1890-01-09&tz=Europe/Amsterdam&interval=hour",
        "sales?from=9998-12-01&to=9998-12-31",
        "top-items?from=9998-12-01&to=9998-12-31T23:59:59.999Z",
    ] {
        app.admin.get(&format!("/v1/analytics/{fine}")).await.expect(200);
    }
}

#[tokio::test]
async fn flags_are_for_admins_and_within_their_range() {
    let app = TestApp::open().await;
    let path = "/v1/admin/flags/menu-cache.partial-invalidation";
    let put = |client: &Client, path: &str, body: serde_json::Value| {
        Client::send(client.request(Method::PUT, path).json(&body))
    };
    let (admin, customer) = (&app.admin, app.customer().await);
    assert_eq!(customer.get(path).await.problem(), (403, "forbidden".to_owned()));
    assert_eq!(put(&customer, path, json!({ "percentage": 1 })).await.problem(), (403, "forbidden".to_owned()));
    assert_eq!(admin.get("/v1/admin/flags/nothing").await.problem(), (404, "not-found".to_owned()));
    assert_eq!(put(admin, "/v1/admin/flags/nothing", json!({ "percentage": 1 })).await.problem().0, 404);
    for (body, problem) in [
        (json!({ "percentage": 101 }), (422, "validation-failed")),
        (json!({ "percentage": -1 }), (422, "validation-failed")),
        (json!({ "percentage": 1.5 }), (400, "invalid-request")),
        (json!({}), (400, "invalid-request")),
        (json!({ "percentage": 1, "on": true }), (400, "invalid-request")),
    ] {
        assert_eq!(put(admin, path, body.clone()).await.problem(), (problem.0, problem.1.to_owned()), "{body}");
    }
    put(admin, path, json!({ "percentage": 25 })).await.expect(200);
    assert_eq!(admin.get(path).await.expect(200)["percentage"], 25);
}
