//! Stations, tickets, and who accepts orders.

use std::time::{Duration, Instant};

use comanda_tests::{Client, PASSWORD, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const STATIONS: &str = "/v1/kitchen/stations";
const TICKETS: &str = "/v1/kitchen/tickets";

fn id_of(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

async fn station(app: &TestApp, name: &str, categories: &[&str]) -> Value {
    app.admin.post(STATIONS, &json!({ "name": name, "categories": categories })).await.expect(201)
}

/// A menu item of a category of its own.
async fn item_of(app: &TestApp, category: &str) -> Uuid {
    let name = format!("Menu item {}", Uuid::now_v7().simple());
    let price = json!({ "amount": 990, "currency": "EUR" });
    let body = json!({ "name": name, "category": category, "stock": 50, "price": price });
    app.admin.post("/v1/menu/items", &body).await.expect(201)["id"].as_str().unwrap().parse().unwrap()
}

async fn tickets(reader: &Client, query: &str) -> Vec<Value> {
    let page = reader.get(&format!("{TICKETS}?{query}")).await.expect(200);
    page["data"].as_array().unwrap().clone()
}

async fn tickets_of(app: &TestApp, order: &str) -> Vec<Value> {
    tickets(&app.admin, &format!("order={order}")).await
}

async fn bump(app: &TestApp, ticket: &Value, state: &str) -> comanda_tests::Response {
    app.admin.post(&format!("{TICKETS}/{}/state", id_of(ticket)), &json!({ "state": state })).await
}

async fn status_of(app: &TestApp, order: &str) -> Value {
    app.admin.get(&format!("/v1/orders/{order}")).await.expect(200)["status"].clone()
}

async fn accept(app: &TestApp, order: &str) {
    app.admin.post(&format!("/v1/orders/{order}/status"), &json!({ "status": "accepted" })).await.expect(200);
}

#[tokio::test]
async fn a_station_is_added_listed_edited_and_put_away() {
    let app = TestApp::open().await;
    let added = app.admin.post(STATIONS, &json!({ "name": "Grill", "categories": ["Mains", "BBQ"] })).await;
    let grill = added.expect(201);
    assert_eq!(added.header("etag"), Some("\"1\""));
    let shown = json!({
        "id": grill["id"], "name": "Grill", "categories": ["Mains", "BBQ"], "position": 0, "revision": 1,
        "created_at": grill["created_at"], "updated_at": grill["created_at"],
    });
    assert_eq!(grill, shown);
    let bar = station(&app, "Bar", &[]).await;
    assert_eq!(bar["position"], 1, "behind the last");
    let first = app.admin.post(STATIONS, &json!({ "name": "Pass", "categories": [], "position": 0 })).await.expect(201);
    let names = |page: &Value| -> Vec<Value> {
        page["data"].as_array().unwrap().iter().map(|station| station["name"].clone()).collect()
    };
    let page = app.admin.get(&format!("{STATIONS}?limit=2")).await.expect(200);
    assert_eq!(names(&page), ["Grill", "Pass"]);
    let next = format!("{STATIONS}?limit=2&cursor={}", page["next_cursor"].as_str().unwrap());
    let page = app.admin.get(&next).await.expect(200);
    assert_eq!((names(&page), &page["next_cursor"]), (vec![json!("Bar")], &Value::Null));

    let path = format!("{STATIONS}/{}", id_of(&grill));
    let taken = app.admin.post(STATIONS, &json!({ "name": "BBQ", "categories": ["Soups", "bbq"] })).await;
    assert_eq!(
        (taken.problem(), taken.pointers()),
        ((409, "category-taken".to_owned()), vec!["/categories/1".to_owned()])
    );
    let bar_path = format!("{STATIONS}/{}", id_of(&bar));
    let patch = |path: &str, body: Value| Client::send(app.admin.request(Method::PATCH, path).json(&body));
    let taken = patch(&bar_path, json!({ "categories": ["MAINS"] })).await;
    assert_eq!(taken.problem(), (409, "category-taken".to_owned()));

    // `If-Match` may be left out, and counts if it is there.
    let edited = patch(&path, json!({ "categories": ["BBQ"], "position": 7 })).await;
    assert_eq!((edited.header("etag"), &edited.expect(200)["position"]), (Some("\"2\""), &json!(7)));
    let stale = app.admin.patch(&path, "\"1\"", &json!({ "name": "Fire" })).await;
    assert_eq!(stale.problem(), (412, "precondition-failed".to_owned()));
    assert_eq!(app.admin.patch(&path, "\"2\"", &json!({ "name": "Fire" })).await.expect(200)["revision"], 3);
    patch(&bar_path, json!({ "categories": ["MAINS"] })).await.expect(200);

    assert_eq!(app.admin.delete(&path, "\"1\"").await.problem(), (412, "precondition-failed".to_owned()));
    assert_eq!(Client::send(app.admin.request(Method::DELETE, &path)).await.status, 204);
    assert_eq!(Client::send(app.admin.request(Method::DELETE, &path)).await.problem().0, 404);
    assert_eq!(patch(&path, json!({ "name": "Grill" })).await.problem(), (404, "not-found".to_owned()));
    station(&app, "Smoker", &["BBQ"]).await;
    let log = app.admin.get("/v1/admin/audit-log").await.expect(200);
    let actions: Vec<_> = log["data"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
    let expected = ["added", "archived", "edited", "edited", "edited", "added", "added", "added"];
    assert_eq!(actions[..8], expected.map(|action| json!(format!("station.{action}"))).each_ref());
    assert_ne!(first["id"], bar["id"]);
    app.close().await;
}

#[tokio::test]
async fn every_fault_of_a_request_to_the_kitchen_is_named() {
    let app = TestApp::open().await;
    let refused = async |body: Value| app.admin.post(STATIONS, &body).await;
    let long = "x".repeat(61);
    let faulty = refused(json!({ "name": "", "categories": ["Mains", "", long], "position": -1 })).await;
    assert_eq!(faulty.problem(), (422, "validation-failed".to_owned()));
    assert_eq!(faulty.pointers(), ["/name", "/categories/1", "/categories/2", "/position"]);
    let many = vec!["Mains"; 101];
    assert_eq!(refused(json!({ "name": "Grill", "categories": many })).await.pointers(), ["/categories"]);
    for body in [
        json!({ "name": "Grill" }),
        json!({ "name": "Grill", "categories": "Mains" }),
        json!({ "name": "Grill", "categories": [], "colour": "red" }),
        json!(["Grill"]),
    ] {
        assert_eq!(refused(body).await.problem(), (400, "invalid-request".to_owned()));
    }
    let grill = station(&app, "Grill", &[]).await;
    let path = format!("{STATIONS}/{}", id_of(&grill));
    let cleared = app.admin.patch(&path, "*", &json!({ "name": null, "categories": null })).await;
    assert_eq!((cleared.status, cleared.pointers()), (422, vec!["/name".to_owned(), "/categories".to_owned()]));

    for (query, pointer) in [("station=grill", "/station"), ("order=7", "/order"), ("state=burnt", "/state")] {
        let listed = app.admin.get(&format!("{TICKETS}?{query}")).await;
        assert_eq!((listed.problem().0, listed.pointers()), (422, vec![pointer.to_owned()]), "{query}");
    }
    assert_eq!(app.admin.get(&format!("{TICKETS}?colour=red")).await.problem(), (400, "invalid-request".to_owned()));
    assert_eq!(app.admin.get(&format!("{TICKETS}?cursor=abc")).await.problem(), (400, "invalid-cursor".to_owned()));
    assert_eq!(tickets(&app.admin, &format!("station={}", Uuid::now_v7())).await, Vec::<Value>::new());

    let nobody = json!({ "id": Uuid::now_v7() });
    assert_eq!(bump(&app, &nobody, "ready").await.problem(), (404, "not-found".to_owned()));
    assert_eq!(bump(&app, &nobody, "burnt").await.pointers(), ["/state"]);
    assert_eq!(bump(&app, &json!({ "id": "nonsense" }), "ready").await.problem().0, 404);
    let item = format!("/v1/menu/items/{}", app.item(5).await);
    for (unknown, code) in [(json!(Uuid::now_v7()), "unknown-station"), (json!("grill"), "not-a-uuid")] {
        let edited = app.admin.patch(&item, "*", &json!({ "station_id": unknown })).await;
        assert_eq!((edited.status, edited.json()["errors"][0]["code"].clone()), (422, json!(code)));
    }
    app.close().await;
}

#[tokio::test]
async fn what_is_accepted_shows_up_where_it_is_made_and_moves_its_order() {
    let app = TestApp::open().await;
    let (grill, bar) = (station(&app, "Grill", &["Mains"]).await, station(&app, "Bar", &["Drinks"]).await);
    let (steak, beer, bread) =
        (item_of(&app, "MAINS").await, item_of(&app, "Drinks").await, item_of(&app, "Bakery").await);
    let customer = app.customer().await;
    let order = json!({ "note": "in a hurry", "items": [
        { "menu_item_id": bread, "quantity": 1 },
        { "menu_item_id": steak, "quantity": 2, "note": "rare" },
        { "menu_item_id": beer, "quantity": 3 },
    ] });
    let order = customer.post("/v1/orders", &order).await.expect(201);
    let id = id_of(&order);
    assert_eq!(tickets_of(&app, &id).await, Vec::<Value>::new());
    accept(&app, &id).await;

    let of = async |station: &Value| {
        tickets(&app.admin, &format!("station={}&state=queued&order={id}", id_of(station))).await.remove(0)
    };
    let (food, drinks) = (of(&grill).await, of(&bar).await);
    let name = order["items"][1]["name"].clone();
    let shown = json!({
        "id": food["id"], "order_id": id, "number": order["number"], "station_id": grill["id"], "state": "queued",
        "version": 1, "lines": [{ "name": name, "quantity": 2, "note": "rare", "selections": [] }],
        "note": "in a hurry", "created_at": food["created_at"], "updated_at": food["created_at"],
    });
    assert_eq!(food, shown);
    assert_eq!(drinks["lines"][0]["quantity"], 3);
    assert_eq!(tickets_of(&app, &id).await.len(), 2, "the bread goes nowhere");

    let steps = [
        (&food, "cooking", "preparing"),
        (&food, "cooking", "preparing"),
        (&drinks, "ready", "preparing"),
        (&food, "ready", "ready"),
        (&drinks, "cooking", "preparing"),
        (&drinks, "ready", "ready"),
    ];
    for (ticket, state, status) in steps {
        assert_eq!(bump(&app, ticket, state).await.expect(200)["state"], state);
        assert_eq!(status_of(&app, &id).await, status, "{state}");
    }
    let versions: Vec<_> = tickets_of(&app, &id).await.iter().map(|ticket| ticket["version"].as_u64()).collect();
    assert!(versions.contains(&Some(3)) && versions.contains(&Some(4)), "{versions:?}");
    for state in ["queued", "void"] {
        assert_eq!(bump(&app, &food, state).await.problem(), (409, "invalid-transition".to_owned()), "{state}");
    }
    app.admin.post(&format!("/v1/orders/{id}/status"), &json!({ "status": "completed" })).await.expect(200);
    assert_eq!(bump(&app, &food, "cooking").await.problem(), (409, "invalid-transition".to_owned()));
    bump(&app, &food, "ready").await.expect(200);

    // An order of which no station makes anything moves as before.
    let id = id_of(&customer.order(&[(bread, 1)]).await.expect(201));
    for status in ["accepted", "preparing", "ready", "completed"] {
        app.admin.post(&format!("/v1/orders/{id}/status"), &json!({ "status": status })).await.expect(200);
    }
    assert_eq!(tickets_of(&app, &id).await, Vec::<Value>::new());
    app.close().await;
}

#[tokio::test]
async fn cancelling_an_order_voids_its_tickets_for_good() {
    let app = TestApp::open().await;
    station(&app, "Grill", &["Mains"]).await;
    let (steak, customer) = (item_of(&app, "Mains").await, app.customer().await);
    let id = id_of(&customer.order(&[(steak, 1)]).await.expect(201));
    accept(&app, &id).await;
    let ticket = tickets_of(&app, &id).await.remove(0);
    customer.post(&format!("/v1/orders/{id}/cancel"), &json!({})).await.expect(200);
    let void = tickets_of(&app, &id).await.remove(0);
    assert_eq!((&void["state"], &void["version"]), (&json!("void"), &json!(2)));
    for state in ["cooking", "ready"] {
        assert_eq!(bump(&app, &ticket, state).await.problem(), (409, "invalid-transition".to_owned()), "{state}");
    }
    assert_eq!(bump(&app, &ticket, "void").await.expect(200), void);
    app.close().await;
}

#[tokio::test]
async fn a_menu_item_has_a_station_of_its_own_which_customers_do_not_see() {
    let app = TestApp::open().await;
    let (grill, bar) = (station(&app, "Grill", &["Mains"]).await, station(&app, "Bar", &[]).await);
    let (item, customer) = (item_of(&app, "Mains").await, app.customer().await);
    let path = format!("/v1/menu/items/{item}");
    assert_eq!(app.admin.get(&path).await.expect(200)["station_id"], Value::Null);
    let routed = async || {
        let id = id_of(&customer.order(&[(item, 1)]).await.expect(201));
        accept(&app, &id).await;
        tickets_of(&app, &id).await[0]["station_id"].clone()
    };
    assert_eq!(routed().await, grill["id"]);
    let edited = app.admin.patch(&path, "\"1\"", &json!({ "station_id": bar["id"] })).await;
    assert_eq!((edited.header("etag"), &edited.expect(200)["station_id"]), (Some("\"2\""), &bar["id"]));
    assert_eq!(routed().await, bar["id"]);
    for shown in [customer.get(&path).await, app.anonymous().get(&path).await, customer.get("/v1/menu").await] {
        assert!(shown.status == 200 && !shown.text.contains("station"), "{}", shown.text);
    }
    let cleared = app.admin.patch(&path, "\"2\"", &json!({ "station_id": null })).await.expect(200);
    assert_eq!((&cleared["station_id"], &cleared["revision"]), (&Value::Null, &json!(3)));
    assert_eq!(routed().await, grill["id"]);

    let price = json!({ "amount": 500, "currency": "EUR" });
    let mut beer = json!({ "name": "Beer", "category": "Drinks", "stock": null, "price": price });
    let mut new = |station: Value| {
        beer["station_id"] = station;
        beer.clone()
    };
    let unknown = app.admin.post("/v1/menu/items", &new(json!(Uuid::now_v7()))).await;
    assert_eq!((unknown.problem().0, unknown.pointers()), (422, vec!["/station_id".to_owned()]));
    let beer = app.admin.post("/v1/menu/items", &new(bar["id"].clone())).await.expect(201);
    assert_eq!(beer["station_id"], bar["id"]);

    // A station that is put away is no station any more; what it had to make stays.
    let before = tickets(&app.admin, &format!("station={}", id_of(&bar))).await;
    assert_eq!(app.admin.delete(&format!("{STATIONS}/{}", id_of(&bar)), "*").await.status, 204);
    assert_eq!(app.admin.get(&format!("/v1/menu/items/{}", id_of(&beer))).await.expect(200)["station_id"], Value::Null);
    let refused = app.admin.patch(&path, "*", &json!({ "station_id": bar["id"] })).await;
    assert_eq!((refused.problem().0, refused.pointers()), (422, vec!["/station_id".to_owned()]));
    assert_eq!(tickets(&app.admin, &format!("station={}", id_of(&bar))).await, before);
    bump(&app, &before[0], "ready").await.expect(200);
    app.close().await;
}

#[tokio::test]
async fn the_kitchen_is_for_staff() {
    let app = TestApp::open().await;
    let email = app.account().await;
    let cook = app.anonymous().log_in(&email, PASSWORD).await;
    let path = format!("/v1/admin/users/{}", cook.id);
    Client::send(app.admin.request(Method::PATCH, &path).json(&json!({ "role": "staff" }))).await.expect(200);
    let (cook, customer) = (app.anonymous().log_in(&email, PASSWORD).await, app.customer().await);
    let new = json!({ "name": "Grill", "categories": ["Mains"] });
    assert_eq!(customer.post(STATIONS, &new).await.problem(), (403, "forbidden".to_owned()));
    cook.post(STATIONS, &new).await.expect(201);
    let id = id_of(&customer.order(&[(item_of(&app, "Mains").await, 1)]).await.expect(201));
    accept(&app, &id).await;
    let ticket = tickets(&cook, "").await.remove(0);
    for path in [STATIONS, TICKETS] {
        assert_eq!(customer.get(path).await.problem(), (403, "forbidden".to_owned()));
        assert_eq!(app.anonymous().get(path).await.problem(), (401, "unauthenticated".to_owned()));
    }
    let state = format!("{TICKETS}/{}/state", id_of(&ticket));
    assert_eq!(customer.post(&state, &json!({ "state": "ready" })).await.problem(), (403, "forbidden".to_owned()));
    assert_eq!(cook.post(&state, &json!({ "state": "ready" })).await.expect(200)["state"], "ready");
    app.close().await;
}

#[tokio::test]
async fn tickets_are_listed_the_oldest_first_a_page_at_a_time() {
    let app = TestApp::open().await;
    station(&app, "Grill", &["Mains"]).await;
    let (steak, customer) = (item_of(&app, "Mains").await, app.customer().await);
    let mut placed = Vec::new();
    for _ in 0..5 {
        let id = id_of(&customer.order(&[(steak, 1)]).await.expect(201));
        accept(&app, &id).await;
        placed.push(json!(id));
    }
    let mut listed = Vec::new();
    let mut path = format!("{TICKETS}?limit=2&state=queued");
    loop {
        let page = app.admin.get(&path).await.expect(200);
        listed.extend(page["data"].as_array().unwrap().iter().map(|ticket| ticket["order_id"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{TICKETS}?limit=2&state=queued&cursor={cursor}");
    }
    assert_eq!(listed, placed);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_paid_or_to_be_paid_at_the_counter_is_accepted_if_that_is_set() {
    let settings = [("MODE", "development"), ("PAYMENT_GATEWAY", "offline"), ("ACCEPT_ORDERS", "paid")];
    let app = TestApp::with_servers(1, &settings).await;
    station(&app, "Grill", &["Mains"]).await;
    let (steak, customer) = (item_of(&app, "Mains").await, app.customer().await);
    let order = async || id_of(&customer.order(&[(steak, 1)]).await.expect(201));
    let pay = async |order: &str, method: &str| {
        customer.post(&format!("/v1/orders/{order}/payments"), &json!({ "method": method })).await.expect(201)
    };
    let (counter, card) = (order().await, order().await);
    assert_eq!(status_of(&app, &counter).await, "pending");
    pay(&counter, "counter").await;
    pay(&counter, "counter").await;
    assert_eq!(status_of(&app, &counter).await, "accepted");
    assert_eq!(tickets_of(&app, &counter).await.len(), 1);

    let payment = pay(&card, "card").await;
    assert_eq!(status_of(&app, &card).await, "pending", "nothing is paid yet");
    assert_eq!(tickets_of(&app, &card).await, Vec::<Value>::new());
    let intent = payment["client_secret"].as_str().unwrap().split("_secret").next().unwrap();
    let confirm = format!("/v1/offline-gateway/intents/{intent}/pay");
    assert_eq!(customer.post(&confirm, &json!({ "payment_method": "pm_card_visa" })).await.status, 202);
    let begin = Instant::now();
    while status_of(&app, &card).await != "accepted" {
        assert!(begin.elapsed() < Duration::from_secs(10), "the order is paid, and not accepted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(tickets_of(&app, &card).await.len(), 1);
    // Staff may still be faster, and a payment changes nothing then.
    let early = order().await;
    accept(&app, &early).await;
    pay(&early, "counter").await;
    assert_eq!(tickets_of(&app, &early).await.len(), 1);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_is_accepted_when_it_is_placed_if_that_is_set() {
    let app = TestApp::with_servers(2, &[("ACCEPT_ORDERS", "always")]).await;
    station(&app, "Grill", &["Mains"]).await;
    let (steak, bread) = (item_of(&app, "Mains").await, item_of(&app, "Bakery").await);
    let customers = app.customers(8).await;
    let lines = [(steak, 1), (bread, 1)];
    let placing = customers.iter().map(|customer| customer.order_with_key("once", &lines));
    for (customer, placed) in customers.iter().zip(futures_util::future::join_all(placing).await) {
        let order = placed.expect(201);
        assert_eq!((&order["status"], &order["version"]), (&json!("accepted"), &json!(1)));
        let tickets = tickets_of(&app, &id_of(&order)).await;
        assert_eq!((tickets.len(), &tickets[0]["number"]), (1, &order["number"]));
        bump(&app, &tickets[0], "ready").await.expect(200);
        assert_eq!(status_of(&app, &id_of(&order)).await, "ready");
        let again = customer.order_with_key("once", &lines).await;
        assert_eq!((again.text, again.headers.contains_key("idempotency-replayed")), (placed.text, true));
    }
    app.close().await;
}
