//! Choices, of which the last release may know nothing.

use comanda_tests::{Client, PASSWORD};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::stage::{Servers, Stage};

/// An order with a choice is placed at a server of this release, and takes of a supply. One of the last release shows
/// it; if it would keep what was taken, it does not cancel it, and one of this release does.
pub(super) async fn order(stage: &Stage, Servers { here: old, there: new }: Servers<'_>) {
    let admin = stage.admin(new).await;
    let unique = |what: &str| format!("{what} {}", Uuid::now_v7().simple());
    let supply = json!({ "name": unique("Dough"), "unit": "g", "stock": 1000 });
    let supply = admin.post("/v1/supplies", &supply).await.expect(201)["id"].clone();
    let option = json!({ "name": "Large", "supply": { "supply_id": supply, "amount": 60 } });
    let group = json!({ "name": unique("Size"), "options": [option] });
    let group = admin.post("/v1/menu/option-groups", &group).await.expect(201);
    let item = stage.item(&admin).await;
    let offers = json!([{ "group_id": group["id"], "min": 1, "max": 1 }]);
    let path = format!("/v1/menu/items/{item}/option-groups");
    Client::send(admin.request(Method::PUT, &path).header("If-Match", "\"1\"").json(&offers)).await.expect(200);

    let customer = Client::anonymous(new).log_in(&stage.account(new).await, PASSWORD).await;
    let selections = json!([{ "option_id": group["options"][0]["id"] }]);
    let body = json!({ "items": [{ "menu_item_id": item, "quantity": 2, "selections": selections }] });
    let order = customer.post("/v1/orders", &body).await.expect(201);
    let id = order["id"].as_str().unwrap();
    stage.placed(id);
    let left = async || {
        let supply = admin.get(&format!("/v1/supplies/{}", supply.as_str().unwrap())).await.expect(200);
        supply["stock"].as_i64()
    };
    assert_eq!(left().await, Some(880));

    let shown = customer.at(old).get(&format!("/v1/orders/{id}?include=items")).await.expect(200);
    assert_eq!((&shown["total"], &shown["status"]), (&order["total"], &json!("pending")));
    assert_eq!(shown["items"][0]["quantity"], 2);
    let cancel = format!("/v1/orders/{id}/cancel");
    let by_old = customer.at(old).post(&cancel, &json!({})).await;
    match by_old.status {
        200 => {}
        503 => {
            assert_eq!(left().await, Some(880), "it keeps what it took");
            assert_eq!(customer.post(&cancel, &json!({})).await.expect(200)["status"], "cancelled");
        }
        _ => panic!("{by_old:?}"),
    }
    assert_eq!(left().await, Some(1000));
}
