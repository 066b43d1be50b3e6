use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use comanda_tests::{Client, Response, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

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
async fn every_option_of_every_group_has_room_for_a_price() {
    let app = TestApp::open().await;
    let item = format!("{}/option-groups", burrito(&app).await);
    let mut offers = Vec::new();
    for group in 0..20 {
        let options: Vec<Value> = (0..50).map(|option| json!({ "name": format!("No. {option}") })).collect();
        let body = json!({ "name": format!("Group {group}"), "options": options });
        let group = app.admin.post(GROUPS, &body).await.expect(201);
        let options = group["options"].as_array().unwrap().iter();
        let prices: Vec<Value> =
            options.map(|option| json!({ "option_id": option["id"], "price": euros(1_000_000) })).collect();
        offers.push(json!({ "group_id": group["id"], "min": 0, "max": 50, "prices": prices }));
    }
    let offers = json!(offers);
    assert!(offers.to_string().len() > 64 * 1024);
    let offered = put(&app, &item, "\"1\"", &offers).await.expect(200);
    assert_eq!(offered["option_groups"][19]["options"][49]["price"], euros(1_000_000));
    let spaces = " ".repeat(256 * 1024);
    let request = app.admin.request(Method::PUT, &item).header("If-Match", "\"2\"");
    let too_large = Client::send(request.header("content-type", "application/json").body(format!("[]{spaces}"))).await;
    assert_eq!(too_large.problem(), (413, "payload-too-large".to_owned()));
    assert!(too_large.text.contains("256 KiB"), "{}", too_large.text);
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

/// What a customer sees of the menu: its version, and its items by name.
async fn menu(guest: &Client) -> (u64, HashMap<String, Value>) {
    let menu = guest.get("/v1/menu").await.expect(200);
    let categories = menu["categories"].as_array().unwrap();
    let items = categories.iter().flat_map(|category| category["items"].as_array().unwrap());
    let by_name = items.map(|item| (item["name"].as_str().unwrap().to_owned(), item.clone()));
    (menu["version"].as_u64().unwrap(), by_name.collect())
}

async fn count(app: &TestApp, supply: &str, stock: i64) {
    let body = json!({ "counted": stock, "reason": "stock-take" });
    app.admin.post(&format!("/v1/supplies/{supply}/stock"), &body).await.expect(200);
}

/// A menu item that is not counted; returns its path.
async fn uncounted(app: &TestApp, name: &str, allergens: &Value) -> String {
    let dish = json!({ "name": name, "category": "Mains", "stock": null, "price": euros(990), "allergens": allergens });
    format!("/v1/menu/items/{}", id_of(app, "/v1/menu/items", &dish).await)
}

#[tokio::test]
async fn the_menu_shows_choices_and_what_runs_out_with_a_supply_in_one_version() {
    let app = TestApp::with_servers(2, &[]).await;
    let guests = [0, 1].map(|server| Client::anonymous(&app.servers[server].base_url));
    let supply =
        |name: &'static str, stock: i64| json!({ "name": name, "unit": "g", "stock": stock, "low_stock_at": 100 });
    let avocado = id_of(&app, "/v1/supplies", &supply("Avocado", 300)).await;
    let dough = id_of(&app, "/v1/supplies", &supply("Dough", 1000)).await;
    let salt = id_of(&app, "/v1/supplies", &supply("Salt", 1000)).await;
    let guacamole = json!({ "name": "Guacamole", "price": euros(250), "allergens": ["milk"],
        "supply": { "supply_id": avocado, "amount": 60 } });
    let plain = json!({ "name": "No dough", "supply": { "supply_id": dough, "amount": -250 } });
    let extras = json!({ "name": "Extras", "options": [guacamole, plain] });
    let extras = app.admin.post(GROUPS, &extras).await.expect(201);
    let dip = app.admin.post(GROUPS, &json!({ "name": "Dip", "options": [guacamole] })).await.expect(201);

    let burrito = uncounted(&app, "Burrito", &json!(["gluten"])).await;
    put(&app, &format!("{burrito}/recipe"), "*", &json!([{ "supply_id": dough, "amount": 250 }])).await.expect(200);
    let offer = json!([{ "group_id": extras["id"], "min": 0, "max": 2 }]);
    put(&app, &format!("{burrito}/option-groups"), "*", &offer).await.expect(200);
    let nachos = uncounted(&app, "Nachos", &json!([])).await;
    let offer = json!([{ "group_id": dip["id"], "min": 1, "max": 1 }]);
    put(&app, &format!("{nachos}/option-groups"), "*", &offer).await.expect(200);

    let (mut version, shown) = menu(&guests[0]).await;
    let option = |group: &Value, at: usize, price: i64, allergens: Value| {
        json!({ "id": group["options"][at]["id"], "name": group["options"][at]["name"], "price": euros(price),
            "availability": "in_stock", "allergens": allergens })
    };
    let options = [option(&extras, 0, 250, json!(["milk"])), option(&extras, 1, 0, json!([]))];
    let group = json!({ "id": extras["id"], "name": "Extras", "min": 0, "max": 2, "max_each": 1, "options": options });
    assert_eq!(
        (&shown["Burrito"]["option_groups"], &shown["Burrito"]["allergens"]),
        (&json!([group]), &json!(["gluten"]))
    );
    assert!(shown["Burrito"].get("recipe").is_none(), "customers do not see it");
    let to_staff = app.admin.get(&burrito).await.expect(200);
    assert_eq!(to_staff["recipe"], json!([{ "supply_id": dough, "amount": 250 }]));
    assert_eq!(to_staff["option_groups"], json!([group]));
    assert_eq!(app.admin.get("/v1/menu/items").await.expect(200)["data"][0], to_staff);
    assert_eq!(guests[0].get(&burrito).await.expect(200), shown["Burrito"]);

    let low = |low: i64| json!({ "low_stock_at": low });
    let avocado_path = format!("/v1/supplies/{avocado}");
    for (change, raised, [burrito, guacamole, nachos]) in [
        (Change::Count(&avocado, 59), 1, ["in_stock", "sold_out", "sold_out"]),
        (Change::Count(&avocado, 30), 0, ["in_stock", "sold_out", "sold_out"]),
        (Change::Count(&avocado, 60), 1, ["in_stock", "low", "low"]),
        (Change::Count(&salt, 0), 0, ["in_stock", "low", "low"]),
        (Change::Edit(&avocado_path, low(59)), 1, ["in_stock", "in_stock", "in_stock"]),
        (Change::Count(&dough, 249), 1, ["sold_out", "in_stock", "in_stock"]),
        (Change::Count(&avocado, 0), 1, ["sold_out", "sold_out", "sold_out"]),
    ] {
        match &change {
            Change::Count(supply, stock) => count(&app, supply, *stock).await,
            Change::Edit(path, edit) => _ = app.admin.patch(path, "*", edit).await.expect(200),
        }
        version += raised;
        let expected = [burrito, guacamole, nachos].map(|availability| json!(availability));
        let seen = async |guest: &Client| {
            let (version, items) = menu(guest).await;
            let guacamole = &items["Burrito"]["option_groups"][0]["options"][0];
            let seen = [&items["Burrito"], guacamole, &items["Nachos"]].map(|shown| shown["availability"].clone());
            (version, seen)
        };
        assert_eq!(seen(&guests[0]).await, (version, expected.clone()), "{change:?}");
        let begin = Instant::now();
        while seen(&guests[1]).await != (version, expected.clone()) {
            assert!(begin.elapsed() < Duration::from_secs(20), "{change:?} is not seen at the other server");
        }
    }
    let staff = app.admin.get(&nachos).await.expect(200);
    assert_eq!((&staff["availability"], &staff["stock"]), (&json!("sold_out"), &json!(null)));
    app.close().await;
}

#[derive(Debug)]
enum Change<'a> {
    Count(&'a str, i64),
    Edit(&'a str, Value),
}

#[tokio::test]
async fn every_fault_of_a_definition_is_named_with_its_place() {
    let app = TestApp::open().await;
    let rice = id_of(&app, "/v1/supplies", &json!({ "name": "Rice", "unit": "g", "stock": 9000 })).await;
    let sizes = app.admin.post(GROUPS, &json!({ "name": "Size", "options": [{ "name": "Large" }] })).await.expect(201);
    let empty = id_of(&app, GROUPS, &json!({ "name": "Nothing", "options": [] })).await;
    let item = burrito(&app).await;
    let (offers, recipe) = (format!("{item}/option-groups"), format!("{item}/recipe"));
    let offer = |group: &Value, min: i64, max: i64| json!({ "group_id": group, "min": min, "max": max });
    let (large, unknown) = (&sizes["options"][0]["id"], json!(Uuid::now_v7()));
    let with = |mut offer: Value, field: &str, value: Value| {
        offer[field] = value;
        offer
    };
    let size = || offer(&sizes["id"], 0, 1);
    let price = |option: &Value, amount: i64| json!([{ "option_id": option, "price": euros(amount) }]);
    let of_rice = |amount: i64| json!({ "supply_id": rice, "amount": amount });
    let cup = with(of_rice(1), "unit", json!("cup"));
    for (path, body, status, pointers) in [
        (&offers, json!([offer(&sizes["id"], 2, 1)]), 422, &["/0/min"][..]),
        (&offers, json!([offer(&sizes["id"], 2, 2)]), 422, &["/0/min"]),
        (&offers, json!([offer(&json!(empty), 1, 1)]), 422, &["/0/min"]),
        (&offers, json!([offer(&sizes["id"], -1, 101)]), 422, &["/0/min", "/0/max"]),
        (&offers, json!([with(size(), "max_each", json!(0))]), 422, &["/0/max_each"]),
        (&offers, json!([size(), offer(&unknown, 0, 1)]), 422, &["/1/group_id"]),
        (&offers, json!([size(), size()]), 422, &["/1/group_id"]),
        (&offers, json!([with(size(), "prices", price(&unknown, 1))]), 422, &["/0/prices/0/option_id"]),
        (&offers, json!([with(size(), "prices", price(large, -1))]), 422, &["/0/prices/0/price/amount"]),
        (&recipe, json!([of_rice(0)]), 422, &["/0/amount"]),
        (&recipe, json!([of_rice(1_i64 << 31)]), 422, &["/0/amount"]),
        (&recipe, json!([of_rice(1), of_rice(2)]), 422, &["/1/supply_id"]),
        (&recipe, json!([{ "supply_id": unknown, "amount": 1 }]), 422, &["/0/supply_id"]),
        (&recipe, json!([cup]), 400, &["/0/unit"]),
    ] {
        let refused = put(&app, path, "*", &body).await;
        assert_eq!((refused.status, refused.pointers()), (status, strings(pointers)), "{body}: {}", refused.text);
    }
    let group = |options: Value| json!({ "name": "Extras", "options": options });
    let numbered: Vec<Value> = (0..51).map(|n| json!({ "name": format!("No. {n}") })).collect();
    for (body, pointers) in [
        (group(json!(numbered)), &["/options"][..]),
        (group(json!([{ "name": "Nut", "allergens": ["nuts", "gold"] }])), &["/options/0/allergens/1"]),
        (group(json!([{ "name": "A" }, { "name": "a" }])), &["/options/1/name"]),
        (group(json!([{ "name": "Rice", "supply": of_rice(0) }])), &["/options/0/supply/amount"]),
        (
            group(json!([{ "name": "Rice", "supply": { "supply_id": unknown, "amount": 1 } }])),
            &["/options/0/supply/supply_id"],
        ),
    ] {
        let refused = app.admin.post(GROUPS, &body).await;
        assert_eq!((refused.status, refused.pointers()), (422, strings(pointers)), "{body}: {}", refused.text);
    }
    let gold = app.admin.patch(&item, "*", &json!({ "allergens": ["fish", "gold"] })).await;
    assert_eq!((gold.status, gold.pointers()), (422, strings(&["/allergens/1"])));
    let edited = app.admin.patch(&item, "*", &json!({ "allergens": ["nuts", "fish", "fish"] })).await.expect(200);
    assert_eq!(edited["allergens"], json!(["fish", "nuts"]));

    put(&app, &recipe, "*", &json!([of_rice(5)])).await.expect(200);
    app.admin.post(GROUPS, &group(json!([{ "name": "Rice", "supply": of_rice(1) }]))).await.expect(201);
    let in_use = delete(&app, &format!("/v1/supplies/{rice}"), "*").await;
    assert_eq!(in_use.problem(), (409, "in-use".to_owned()));
    let users = in_use.json()["used_by"].clone();
    assert_eq!(users.as_array().unwrap().iter().map(|user| &user["name"]).collect::<Vec<_>>(), ["Burrito", "Rice"]);
    app.close().await;
}

fn strings(pointers: &[&str]) -> Vec<String> {
    pointers.iter().map(|pointer| (*pointer).to_owned()).collect()
}

#[tokio::test]
async fn an_adjustment_is_replayed_with_what_could_be_chosen_then() {
    let app = TestApp::open().await;
    let group = app.admin.post(GROUPS, &json!({ "name": "Size", "options": [{ "name": "Large" }] })).await.expect(201);
    let item = burrito(&app).await;
    let offer = json!([{ "group_id": group["id"], "min": 0, "max": 1 }]);
    put(&app, &format!("{item}/option-groups"), "*", &offer).await.expect(200);
    let adjust = async || {
        let request = app.admin.request(Method::POST, &format!("{item}/stock")).header("Idempotency-Key", "delivery-1");
        Client::send(request.json(&json!({ "delta": 3, "reason": "delivery" }))).await
    };
    let first = adjust().await;
    assert_eq!(first.expect(200)["option_groups"][0]["options"][0]["name"], "Large");
    let path = format!("{GROUPS}/{}", group["id"].as_str().unwrap());
    app.admin.patch(&path, "*", &json!({ "options": [{ "name": "Huge" }] })).await.expect(200);
    let again = adjust().await;
    assert_eq!((again.header("idempotency-replayed"), &again.text), (Some("true"), &first.text));
    app.close().await;
}
