use comanda_tests::{Client, Response, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

const GROUPS: &str = "/v1/menu/option-groups";

async fn put(app: &TestApp, path: &str, etag: &str, body: &Value) -> Response {
    Client::send(app.admin.request(Method::PUT, path).header("If-Match", etag).json(body)).await
}

async fn delete(app: &TestApp, path: &str, etag: &str) -> Response {
    Client::send(app.admin.request(Method::DELETE, path).header("If-Match", etag)).await
}

fn euros(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

async fn id_of(app: &TestApp, path: &str, body: &Value) -> String {
    app.admin.post(path, body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

async fn burrito(app: &TestApp) -> String {
    let dish = json!({ "name": "Burrito", "category": "Mains", "stock": 9, "price": euros(990) });
    format!("/v1/menu/items/{}", id_of(app, "/v1/menu/items", &dish).await)
}

#[tokio::test]
async fn options_keep_their_ids_and_what_offers_a_group_is_raised_with_it() {
    let app = TestApp::open().await;
    let avocado = id_of(&app, "/v1/supplies", &json!({ "name": "Avocado", "unit": "g", "stock": 0 })).await;
    let guacamole = json!({ "name": "Guacamole", "price": euros(250), "allergens": ["milk", "celery", "milk"],
        "supply": { "supply_id": avocado, "amount": 60 } });
    let added = app.admin.post(GROUPS, &json!({ "name": "Extras", "options": [guacamole, { "name": "Salsa" }] })).await;
    let group = added.expect(201);
    let path = format!("{GROUPS}/{}", group["id"].as_str().unwrap());
    assert_eq!((added.header("location"), added.header("etag")), (Some(path.as_str()), Some("\"1\"")));
    let (first, second) = (&group["options"][0], &group["options"][1]);
    assert_eq!(first["allergens"], json!(["milk", "celery"]));
    assert_eq!(second["price"], euros(0));

    let item = burrito(&app).await;
    let offer = json!([{ "group_id": group["id"], "min": 1, "max": 2,
        "prices": [{ "option_id": first["id"], "price": euros(239) }] }]);
    let offered = put(&app, &format!("{item}/option-groups"), "\"1\"", &offer).await;
    assert_eq!(offered.header("etag"), Some("\"2\""));
    let shown = offered.expect(200)["option_groups"][0].clone();
    assert_eq!((&shown["min"], &shown["max"], &shown["max_each"]), (&json!(1), &json!(2), &json!(1)));
    assert_eq!(shown["options"][0]["price"], euros(239));
    assert_eq!(shown["options"][0]["availability"], "sold_out", "there is no avocado");
    let again = put(&app, &format!("{item}/option-groups"), "\"2\"", &offer).await;
    assert_eq!(again.header("etag"), Some("\"2\""), "nothing changed");

    let edit = json!({ "options": [{ "id": second["id"], "name": "Hot salsa" }, { "name": "Beans" }] });
    let edited = app.admin.patch(&path, "\"1\"", &edit).await.expect(200);
    assert_eq!((&edited["options"][0]["id"], &edited["options"][0]["name"]), (&second["id"], &json!("Hot salsa")));
    assert_eq!(app.admin.get(&item).await.header("etag"), Some("\"3\""), "the menu item offers something else now");
    assert_eq!(app.admin.patch(&path, "\"1\"", &edit).await.problem().0, 412);

    let emptied = app.admin.patch(&path, "\"2\"", &json!({ "options": [] })).await;
    assert_eq!(emptied.problem(), (409, "in-use".to_owned()));
    let refused = delete(&app, &path, "\"2\"").await;
    assert_eq!(refused.expect(409)["used_by"][0]["name"], "Burrito");
    put(&app, &format!("{item}/option-groups"), "\"3\"", &json!([])).await.expect(200);
    assert_eq!(delete(&app, &path, "\"2\"").await.status, 204);
    assert_eq!(app.admin.get(&path).await.status, 404);
    app.close().await;
}

#[tokio::test]
async fn a_supply_stays_as_long_as_a_recipe_has_it() {
    let app = TestApp::open().await;
    let rice = id_of(&app, "/v1/supplies", &json!({ "name": "Rice", "unit": "g", "stock": 9000 })).await;
    let recipe = format!("{}/recipe", burrito(&app).await);
    for amount in [0, 1_i64 << 31] {
        let body = json!([{ "supply_id": rice, "amount": amount }]);
        assert_eq!(put(&app, &recipe, "\"1\"", &body).await.problem(), (422, "validation-failed".to_owned()));
    }
    let changed = put(&app, &recipe, "\"1\"", &json!([{ "supply_id": rice, "amount": 120 }])).await;
    assert_eq!(changed.expect(200)["recipe"], json!([{ "supply_id": rice, "amount": 120 }]));
    let supply = format!("/v1/supplies/{rice}");
    assert_eq!(delete(&app, &supply, "\"1\"").await.expect(409)["used_by"][0]["kind"], "menu_item");
    put(&app, &recipe, "\"2\"", &json!([])).await.expect(200);
    assert_eq!(delete(&app, &supply, "\"1\"").await.status, 204);
    let gone = put(&app, &recipe, "\"3\"", &json!([{ "supply_id": rice, "amount": 1 }])).await;
    assert_eq!(gone.expect(422)["errors"][0]["code"], "unknown-supply");
    app.close().await;
}
