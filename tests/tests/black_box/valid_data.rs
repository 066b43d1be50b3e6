//! What the OpenAPI document calls valid is understood, and what it does not is refused: what `cargo xtask conform`
//! has found otherwise.

use comanda_tests::{Client, TestApp};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::openapi::Document;

/// Pointers to every integer in a value.
fn integers(value: &Value, pointer: &str) -> Vec<String> {
    match value {
        Value::Number(_) => vec![pointer.to_owned()],
        Value::Object(members) => {
            members.iter().flat_map(|(name, member)| integers(member, &format!("{pointer}/{name}"))).collect()
        }
        Value::Array(entries) => {
            let entries = entries.iter().enumerate();
            entries.flat_map(|(at, entry)| integers(entry, &format!("{pointer}/{at}"))).collect()
        }
        _ => Vec::new(),
    }
}

/// For JSON Schema, `1.0` is an integer.
#[tokio::test(flavor = "multi_thread")]
async fn an_integer_may_be_written_with_a_fraction_of_nothing_in_every_request() {
    let settings = [("MODE", "development"), ("PAYMENT_GATEWAY", "offline")];
    let app = TestApp::with_servers(1, &settings).await;
    let document = Document::of(&app).await;
    let mut found = 0;
    for operation in document.operations() {
        let Some(example) = document.example_body(&operation) else { continue };
        // Stripe's events are Stripe's.
        if operation.path == "/v1/webhooks/stripe" {
            continue;
        }
        for pointer in integers(&example, "") {
            found += 1;
            let mut body = example.clone();
            let number = body.pointer_mut(&pointer).unwrap();
            *number = json!(number.as_i64().unwrap().to_string().parse::<f64>().unwrap());
            let text = body.to_string();
            assert!(text.contains(".0"), "{text}");
            let path = operation.path.split('/').map(|part| match part {
                "{name}" => "menu-cache.partial-invalidation".to_owned(),
                part if part.starts_with('{') => Uuid::now_v7().to_string(),
                part => part.to_owned(),
            });
            let path = path.collect::<Vec<_>>().join("/");
            let request = app.admin.request(operation.method.clone(), &path).header("if-match", "*");
            let response = Client::send(request.header(CONTENT_TYPE, "application/json").body(text)).await;
            assert_ne!(response.status, 400, "{operation} {body}: {}", response.text);
        }
    }
    assert!(found > 15, "{found} integers");

    // It is the number that it says.
    let item = app.item(10).await;
    let order = format!(r#"{{"items":[{{"menu_item_id":"{item}","quantity":3.0}}]}}"#);
    let order = app.customer().await.post_text("/v1/orders", order).await.expect(201);
    assert_eq!((&order["items"][0]["quantity"], app.stock(item).await), (&json!(3), 7));
    app.close().await;
}

/// The document says so of a body that can be left out.
#[tokio::test(flavor = "multi_thread")]
async fn null_is_no_body_where_none_is_needed() {
    let app = TestApp::open().await;
    let document = Document::of(&app).await;
    let item = app.item(10).await;
    let mut found = 0;
    for operation in document.operations() {
        let body = &operation.content["requestBody"];
        if body.is_null() || body["required"] == true {
            continue;
        }
        found += 1;
        let order = app.admin.order(&[(item, 1)]).await.expect(201);
        let path = operation.path.replace("{id}", order["id"].as_str().unwrap());
        let path = path.replace("{payment_id}", &Uuid::now_v7().to_string());
        let response = app.admin.post_text(&path, "null").await;
        assert_ne!(response.status, 400, "{operation}: {}", response.text);
    }
    assert!(found >= 4, "{found} operations");
    let order = app.admin.order(&[(item, 1)]).await.expect(201);
    let cancelled = app.admin.post_text(&format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap()), "null").await;
    assert_eq!(cancelled.expect(200)["status"], "cancelled");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn include_lists_names_and_nothing_else() {
    let app = TestApp::open().await;
    let item = app.item(10).await;
    let order = app.admin.order(&[(item, 1)]).await.expect(201);
    let orders = ["/v1/orders".to_owned(), format!("/v1/orders/{}", order["id"].as_str().unwrap())];
    let document = Document::of(&app).await;
    let mut found = 0;
    for operation in document.operations() {
        let parameters = operation.content["parameters"].as_array().into_iter().flatten();
        if !parameters.into_iter().any(|parameter| parameter["name"] == "include") {
            continue;
        }
        found += 1;
        let name = if operation.path.starts_with("/v1/orders") { "items" } else { "options" };
        let path = operation.path.replace("{id}", order["id"].as_str().unwrap());
        assert!(name == "options" || orders.contains(&path), "{path} is not known here");
        for (include, expected) in [
            (String::new(), 200),
            (name.to_owned(), 200),
            (format!("{name},"), 400),
            (format!(",{name}"), 400),
            (format!("%20{name}"), 400),
            (",".to_owned(), 400),
            (name.to_uppercase(), 400),
        ] {
            let response = app.admin.get(&format!("{path}?include={include}")).await;
            assert_eq!(response.status, expected, "{path} {include:?}: {}", response.text);
        }
    }
    assert_eq!(found, 3);
    app.close().await;
}
