//! What staff change and read.

use std::collections::HashSet;

use comanda_tests::Client;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::stage::{Servers, Stage, until};

/// A menu item, from its addition at one server to its archiving at the other, as both show it.
pub(super) async fn edit_menu(stage: &Stage, Servers { here, there }: Servers<'_>) {
    let here = stage.admin(here).await;
    let there = here.at(there);
    let body = json!({
        "name": format!("Soup {}", Uuid::now_v7().simple()), "category": "Soups", "stock": 20, "low_stock_at": 5,
        "price": { "amount": 450, "currency": "EUR" },
    });
    let item = here.post("/v1/menu/items", &body).await.expect(201);
    let id = item["id"].as_str().unwrap();
    let path = format!("/v1/menu/items/{id}");
    let repriced = there.patch(&path, "\"1\"", &json!({ "price": { "amount": 500, "currency": "EUR" } })).await;
    assert_eq!(repriced.expect(200)["revision"], 2);
    let refused = here.patch(&path, "\"1\"", &json!({ "description": "with basil" })).await;
    assert_eq!(refused.problem(), (412, "precondition-failed".to_owned()));
    here.patch(&path, "\"2\"", &json!({ "description": "with basil" })).await.expect(200);
    let sold = json!({ "delta": -20, "reason": "dropped the pot" });
    there.post(&format!("{path}/stock"), &sold).await.expect(200);
    for server in [&here, &there] {
        let menu = Client::anonymous(server.base_url());
        until(
            "a menu item in the menu",
            || menu.get("/v1/menu"),
            |response| {
                let item = item_of(&response.expect(200), id);
                item.is_some_and(|item| item["price"]["amount"] == 500 && item["availability"] == "sold_out")
            },
        )
        .await;
    }
    assert_eq!(there.delete(&path, "\"3\"").await.status, 204);
    for server in [&here, &there] {
        let menu = Client::anonymous(server.base_url());
        until(
            "an archived menu item",
            || menu.get("/v1/menu"),
            |response| item_of(&response.expect(200), id).is_none(),
        )
        .await;
    }
}

fn item_of(menu: &Value, id: &str) -> Option<Value> {
    let categories = menu["categories"].as_array().unwrap().iter();
    categories.flat_map(|category| category["items"].as_array().unwrap()).find(|item| item["id"] == id).cloned()
}

/// Flags, the audit log and reports.
pub(super) async fn read_books(stage: &Stage, Servers { here, there }: Servers<'_>) {
    let here = stage.admin(here).await;
    let there = here.at(there);
    let flag = "/v1/admin/flags/menu-cache.partial-invalidation";
    for (percentage, writer, reader) in [(40, &here, &there), (60, &there, &here)] {
        let set = Client::send(writer.request(Method::PUT, flag).json(&json!({ "percentage": percentage }))).await;
        set.expect(200);
        until("a flag", || reader.get(flag), |response| response.expect(200)["percentage"] == percentage).await;
    }
    for server in [&here, &there] {
        for path in [
            "/v1/admin/audit-log?limit=100",
            "/v1/admin/users?limit=100",
            "/v1/admin/dead-letters",
            "/v1/menu/items?limit=100",
            "/v1/orders?limit=100&include=items,customer,payments",
            "/v1/analytics/sales?interval=hour",
            "/v1/analytics/top-items?limit=100",
            "/health/ready",
        ] {
            server.get(path).await.expect(200);
        }
    }
}

/// Every order can be read at a server, and nothing has become a dead letter.
pub(super) async fn read_everything(stage: &Stage, base_url: &str) {
    let admin = stage.admin(base_url).await;
    let (mut seen, mut cursor) = (HashSet::new(), String::new());
    loop {
        let path = format!("/v1/orders?limit=100&include=items,customer,payments{cursor}");
        let page = admin.get(&path).await.expect(200);
        assert!(page.get("unreadable").is_none_or(|unreadable| *unreadable == json!([])), "{page}");
        let orders = page["data"].as_array().unwrap().iter();
        seen.extend(orders.map(|order| order["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, stage.orders().into_iter().collect());
    let letters = admin.get("/v1/admin/dead-letters").await.expect(200);
    assert_eq!(letters["data"], json!([]));
}
