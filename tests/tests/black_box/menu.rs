use comanda_tests::{Client, TestApp};
use reqwest::Method;
use serde_json::json;

fn carbonara() -> serde_json::Value {
    json!({
        "name": "Carbonara", "category": "Pasta", "description": "Guanciale, egg, pecorino",
        "price": { "amount": 1250, "currency": "EUR" }, "stock": 6,
    })
}

#[tokio::test]
async fn staff_see_the_stock_and_customers_see_whether_there_is_any() {
    let app = TestApp::open().await;
    let added = app.admin.post("/v1/menu/items", &carbonara()).await;
    let item = added.expect(201);
    let path = format!("/v1/menu/items/{}", item["id"].as_str().unwrap());
    assert_eq!((added.header("location"), added.header("etag")), (Some(path.as_str()), Some("\"1\"")));
    assert_eq!(
        (&item["stock"], &item["low_stock_at"], &item["active"], &item["version"]),
        (&json!(6), &json!(5), &json!(true), &json!(1))
    );

    let shown = app.anonymous().get(&path).await.expect(200);
    assert_eq!(shown["availability"], "in_stock");
    assert!(["stock", "low_stock_at", "version"].iter().all(|field| shown.get(field).is_none()), "{shown}");
    let customer = app.customer().await.get(&path).await.expect(200);
    assert_eq!(customer, shown, "a signed-in customer sees what everybody sees");

    for (delta, availability) in [(-1, "low"), (-5, "sold_out"), (10, "in_stock")] {
        let adjustment = json!({ "delta": delta, "reason": "stocktaking" });
        app.admin.post(&format!("{path}/stock"), &adjustment).await.expect(200);
        assert_eq!(app.anonymous().get(&path).await.expect(200)["availability"], availability);
    }
    app.close().await;
}

#[tokio::test]
async fn an_edit_needs_the_revision_that_the_editor_has_seen_and_sales_do_not_change_it() {
    let app = TestApp::open().await;
    let item = app.item(10).await;
    let path = format!("/v1/menu/items/{item}");
    app.customer().await.order(&[(item, 2)]).await.expect(201);
    let price = json!({ "price": { "amount": 1100, "currency": "EUR" } });

    let unconditional = Client::send(app.admin.request(Method::PATCH, &path).json(&price)).await;
    assert_eq!(unconditional.problem(), (428, "precondition-required".to_owned()));
    let edited = app.admin.patch(&path, "\"1\"", &price).await;
    assert_eq!(edited.header("etag"), Some("\"2\""));
    let item = edited.expect(200);
    assert_eq!((&item["price"]["amount"], &item["stock"], &item["version"]), (&json!(1100), &json!(8), &json!(3)));
    let stale = app.admin.patch(&path, "\"1\"", &price).await;
    assert_eq!(stale.problem(), (412, "precondition-failed".to_owned()));
    for matching in ["*", "\"7\", \"2\""] {
        assert_eq!(app.admin.patch(&path, matching, &price).await.header("etag"), Some("\"2\""), "nothing changed");
    }
    assert_eq!(app.admin.patch(&path, "W/\"2\"", &price).await.status, 412, "a weak tag does not match");
    assert_eq!(app.admin.patch(&path, "2", &price).await.status, 400);
    let stock = app.admin.patch(&path, "\"2\"", &json!({ "stock": 3 })).await;
    assert_eq!(stock.problem(), (400, "invalid-request".to_owned()));
    app.close().await;
}

#[tokio::test]
async fn one_of_two_simultaneous_edits_wins() {
    let app = TestApp::with_servers(2, &[]).await;
    let item = app.item(10).await;
    let path = format!("/v1/menu/items/{item}");
    let editors: Vec<_> = (0..8)
        .map(|n| {
            let editor = app.admin.at(&app.servers[n % 2].base_url);
            let (path, body) = (path.clone(), json!({ "name": format!("Name {n}") }));
            async move { editor.patch(&path, "\"1\"", &body).await.status }
        })
        .collect();
    let mut statuses = futures_util::future::join_all(editors).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
    app.close().await;
}

#[tokio::test]
async fn an_archived_menu_item_is_gone_but_old_orders_keep_it() {
    let app = TestApp::open().await;
    let item = app.item(10).await;
    let path = format!("/v1/menu/items/{item}");
    let customer = app.customer().await;
    let order = customer.order(&[(item, 1)]).await.expect(201);

    let unconditional = Client::send(app.admin.request(Method::DELETE, &path)).await;
    assert_eq!(unconditional.problem(), (428, "precondition-required".to_owned()));
    assert_eq!(app.admin.delete(&path, "\"9\"").await.problem(), (412, "precondition-failed".to_owned()));
    assert_eq!(app.admin.delete(&path, "\"1\"").await.status, 204);

    assert_eq!(app.admin.get(&path).await.status, 404);
    assert_eq!(app.admin.delete(&path, "\"2\"").await.status, 404);
    let refused = customer.order(&[(item, 1)]).await;
    assert_eq!(
        (refused.problem(), refused.pointers()),
        ((422, "unknown-item".to_owned()), vec!["/items/0/menu_item_id".to_owned()])
    );
    let kept = customer.get(&format!("/v1/orders/{}", order["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(kept["items"], order["items"]);
    app.close().await;
}

#[tokio::test]
async fn a_menu_item_that_is_switched_off_is_for_staff_only() {
    let app = TestApp::open().await;
    let item = app.item(10).await;
    let path = format!("/v1/menu/items/{item}");
    app.admin.patch(&path, "\"1\"", &json!({ "active": false })).await.expect(200);
    let count = |page: serde_json::Value| page["data"].as_array().unwrap().len();
    assert_eq!(count(app.anonymous().get("/v1/menu/items").await.expect(200)), 0);
    assert_eq!(count(app.admin.get("/v1/menu/items").await.expect(200)), 1);
    assert_eq!(app.anonymous().get("/v1/menu").await.expect(200)["categories"], json!([]));
    assert_eq!(app.customer().await.order(&[(item, 1)]).await.code(), "unknown-item");
}

#[tokio::test]
async fn the_whole_menu_is_grouped_and_answers_304_until_something_changes() {
    let app = TestApp::open().await;
    app.admin.post("/v1/menu/items", &carbonara()).await.expect(201);
    let first = app.anonymous().get("/v1/menu").await;
    let menu = first.expect(200);
    assert_eq!((&menu["currency"], &menu["categories"][0]["name"]), (&json!("EUR"), &json!("Pasta")));
    assert_eq!(menu["categories"][0]["items"][0]["name"], "Carbonara");
    let ask_again = || {
        let etag = first.header("etag").unwrap();
        Client::send(app.anonymous().request(Method::GET, "/v1/menu").header("if-none-match", etag))
    };
    let unchanged = ask_again().await;
    assert_eq!((unchanged.status, unchanged.text.as_str()), (304, ""));
    app.item(1).await;
    assert_eq!(ask_again().await.status, 200);
}

#[tokio::test]
async fn the_list_goes_by_pages_and_can_be_filtered() {
    let app = TestApp::open().await;
    for (name, category) in [("Penne", "Pasta"), ("Linguine", "Pasta"), ("Lasagne", "Pasta"), ("Bread 100%_", "Sides")]
    {
        let mut item = carbonara();
        item["name"] = json!(name);
        item["category"] = json!(category);
        app.admin.post("/v1/menu/items", &item).await.expect(201);
    }
    let customer = app.anonymous();
    let names = |page: &serde_json::Value| {
        page["data"].as_array().unwrap().iter().map(|i| i["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = customer.get("/v1/menu/items?limit=3").await.expect(200);
    assert_eq!(names(&first), ["Lasagne", "Linguine", "Penne"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = customer.get(&format!("/v1/menu/items?limit=3&cursor={cursor}")).await.expect(200);
    assert_eq!((names(&second), &second["next_cursor"]), (vec!["Bread 100%_".to_owned()], &json!(null)));

    assert_eq!(names(&customer.get("/v1/menu/items?category=Sides").await.expect(200)), ["Bread 100%_"]);
    assert_eq!(names(&customer.get("/v1/menu/items?q=LIN").await.expect(200)), ["Linguine"]);
    for mistyped in ["lingine", "linguini", "Linguinne", "LASANE"] {
        let found = customer.get(&format!("/v1/menu/items?q={mistyped}")).await.expect(200);
        let meant = if mistyped == "LASANE" { "Lasagne" } else { "Linguine" };
        assert_eq!(names(&found), [meant], "{mistyped}");
    }
    assert_eq!(names(&customer.get("/v1/menu/items?q=pizza").await.expect(200)), Vec::<String>::new());
    assert_eq!(names(&customer.get("/v1/menu/items?q=0%25_").await.expect(200)), ["Bread 100%_"], "no pattern");
    assert_eq!(names(&customer.get("/v1/menu/items?q=a%25e").await.expect(200)), Vec::<String>::new(), "no pattern");
    for (query, problem, field) in [
        ("limit=0", (422, "validation-failed"), Some("/limit")),
        ("limit=101", (422, "validation-failed"), Some("/limit")),
        ("limit=ten", (400, "invalid-request"), Some("/limit")),
        ("limit=9223372036854775808", (422, "validation-failed"), Some("/limit")),
        ("page=2", (400, "invalid-request"), Some("/page")),
        ("q=a%00b", (422, "validation-failed"), Some("/q")),
        ("cursor=forged", (400, "invalid-cursor"), None),
    ] {
        let response = customer.get(&format!("/v1/menu/items?{query}")).await;
        assert_eq!(response.problem(), (problem.0, problem.1.to_owned()), "{query}");
        assert_eq!(response.pointers(), field.map(str::to_owned).into_iter().collect::<Vec<_>>(), "{query}");
    }
}

#[tokio::test]
async fn stock_goes_up_and_down_with_a_reason_but_never_below_zero() {
    let app = TestApp::with_servers(2, &[]).await;
    let item = app.item(5).await;
    let path = format!("/v1/menu/items/{item}/stock");
    let more = app.admin.post(&path, &json!({ "delta": 7, "reason": "delivery" })).await.expect(200);
    assert_eq!((&more["stock"], &more["revision"], &more["version"]), (&json!(12), &json!(1), &json!(2)));
    let short = app.admin.post(&path, &json!({ "delta": -13, "reason": "breakage" })).await;
    assert_eq!(short.problem(), (409, "insufficient-stock".to_owned()));
    assert_eq!(short.json()["items"], json!([{ "menu_item_id": item, "requested": 13, "available": 12 }]));

    // Thirty simultaneous adjustments compete for a stock of twelve.
    let taking: Vec<_> = (0..30)
        .map(|n| {
            let staff = app.admin.at(&app.servers[n % 2].base_url);
            let path = path.clone();
            async move { staff.post(&path, &json!({ "delta": -1, "reason": "staff meal" })).await.status }
        })
        .collect();
    let statuses = futures_util::future::join_all(taking).await;
    assert_eq!(statuses.iter().filter(|s| **s == 200).count(), 12);
    assert_eq!(statuses.iter().filter(|s| **s == 409).count(), 18);
    assert_eq!(app.stock(item).await, 0);
    app.close().await;
}

#[tokio::test]
async fn customers_do_not_run_the_menu() {
    let app = TestApp::open().await;
    let item = app.item(5).await;
    let customer = app.customer().await;
    let path = format!("/v1/menu/items/{item}");
    let adjustment = json!({ "delta": 1, "reason": "delivery" });
    for (client, problem) in [(&customer, (403, "forbidden")), (&app.anonymous(), (401, "unauthenticated"))] {
        for response in [
            client.post("/v1/menu/items", &carbonara()).await,
            client.patch(&path, "\"1\"", &json!({ "name": "Mine" })).await,
            client.delete(&path, "\"1\"").await,
            client.post(&format!("{path}/stock"), &adjustment).await,
        ] {
            assert_eq!(response.problem(), (problem.0, problem.1.to_owned()));
        }
    }
    assert_eq!(app.stock(item).await, 5);
}
