//! What a kitchen sees of its tickets.

use comanda_tests::{Client, EventStream, TestApp, Told};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{advance, shown};

pub(super) const EVENTS: &str = "/v1/kitchen/events";

pub(super) async fn station(app: &TestApp, category: &str) -> String {
    let body = json!({ "name": category, "categories": [category] });
    let station = app.admin.post("/v1/kitchen/stations", &body).await.expect(201);
    station["id"].as_str().unwrap().to_owned()
}

pub(super) async fn item(app: &TestApp, category: &str, stock: u32) -> Uuid {
    let price = json!({ "amount": 990, "currency": "EUR" });
    let name = format!("Menu item {}", Uuid::now_v7().simple());
    let body = json!({ "name": name, "category": category, "stock": stock, "price": price });
    app.admin.post("/v1/menu/items", &body).await.expect(201)["id"].as_str().unwrap().parse().unwrap()
}

/// An order of these, accepted; returns its id.
async fn accepted(app: &TestApp, items: &[Uuid]) -> String {
    let lines: Vec<_> = items.iter().map(|item| (*item, 1)).collect();
    let order = app.admin.order(&lines).await.expect(201);
    let id = order["id"].as_str().unwrap().to_owned();
    advance(&app.admin, &format!("/v1/orders/{id}"), "accepted").await;
    id
}

async fn bump(staff: &Client, ticket: &Value, state: &str) {
    let path = format!("/v1/kitchen/tickets/{}/state", ticket["id"].as_str().unwrap());
    staff.post(&path, &json!({ "state": state })).await.expect(200);
}

/// The tickets of the snapshot that a stream begins with, and its id.
async fn snapshot(stream: &mut EventStream) -> (String, Vec<Value>) {
    match stream.event().await {
        Told::Event { name, id: Some(id), data } if name == "snapshot" => {
            (id, data["tickets"].as_array().unwrap().clone())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kitchen_sees_its_tickets_and_what_becomes_of_them_at_any_server() {
    let app = TestApp::with_servers(2, &[]).await;
    let (grill, bar) = (station(&app, "Grill").await, station(&app, "Bar").await);
    let (steak, beer) = (item(&app, "Grill", 50).await, item(&app, "Bar", 50).await);
    let first = accepted(&app, &[steak, beer]).await;
    let elsewhere = app.admin.at(&app.servers[1].base_url);
    let mut whole = EventStream::open(&elsewhere, EVENTS, None).await;
    let (begun, tickets) = snapshot(&mut whole).await;
    assert_eq!(tickets.len(), 2);
    assert!(tickets.iter().all(|ticket| ticket["order_id"] == first.as_str() && ticket["state"] == "queued"));
    let page = app.admin.get("/v1/kitchen/tickets").await.expect(200);
    assert_eq!(page["data"], Value::from(tickets.clone()), "as they are listed");

    let mut of_bar = EventStream::open(&elsewhere, &format!("{EVENTS}?station={bar}"), None).await;
    let (_, tickets_of_bar) = snapshot(&mut of_bar).await;
    assert_eq!(tickets_of_bar.len(), 1);
    assert_eq!(tickets_of_bar[0]["station_id"], bar.as_str());

    let of_grill = tickets.iter().find(|ticket| ticket["station_id"] == grill.as_str()).unwrap();
    bump(&app.admin, of_grill, "cooking").await;
    let (_, ticket) = shown(whole.event().await, "ticket", 2);
    assert_eq!((&ticket["id"], &ticket["state"]), (&of_grill["id"], &json!("cooking")));
    bump(&app.admin, &tickets_of_bar[0], "ready").await;
    let (last, ticket) = shown(whole.event().await, "ticket", 2);
    assert_eq!((&ticket["id"], &ticket["state"]), (&tickets_of_bar[0]["id"], &json!("ready")));
    let (_, ticket) = shown(of_bar.event().await, "ticket", 2);
    assert_eq!(ticket["id"], tickets_of_bar[0]["id"], "the first of its own");

    // A new order, and one that is cancelled.
    let second = accepted(&app, &[beer]).await;
    for stream in [&mut whole, &mut of_bar] {
        assert_eq!(shown(stream.event().await, "ticket", 1).1["order_id"], second.as_str());
    }
    app.admin.post(&format!("/v1/orders/{second}/cancel"), &json!({})).await.expect(200);
    for stream in [&mut whole, &mut of_bar] {
        assert_eq!(shown(stream.event().await, "ticket", 2).1["state"], "void");
    }

    // Whoever comes back gets each ticket as it is by now, once.
    let mut resumed = EventStream::open(&app.admin, EVENTS, Some(&begun)).await;
    for (state, version) in [("cooking", 2), ("ready", 2), ("void", 2)] {
        assert_eq!(shown(resumed.event().await, "ticket", version).1["state"], state);
    }
    let mut resumed = EventStream::open(&app.admin, EVENTS, Some(&last)).await;
    assert_eq!(shown(resumed.event().await, "ticket", 2).1["state"], "void");
    drop((whole, of_bar, resumed));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_ready_for_long_is_left_out_of_the_snapshot() {
    let app = TestApp::open().await;
    station(&app, "Grill").await;
    let steak = item(&app, "Grill", 50).await;
    for _ in 0..3 {
        accepted(&app, &[steak]).await;
    }
    let (_, tickets) = snapshot(&mut EventStream::open(&app.admin, EVENTS, None).await).await;
    for ticket in &tickets[..2] {
        bump(&app.admin, ticket, "ready").await;
    }
    let age = "UPDATE kitchen_tickets SET updated_at = updated_at - interval '61 minutes' WHERE id = $1";
    let id: Uuid = tickets[0]["id"].as_str().unwrap().parse().unwrap();
    app.database.client().await.execute(age, &[&id]).await.unwrap();
    let (_, left) = snapshot(&mut EventStream::open(&app.admin, EVENTS, None).await).await;
    let ids = |tickets: &[Value]| tickets.iter().map(|ticket| ticket["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&left), ids(&tickets[1..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_is_shown_however_old_it_is_but_no_more_than_ten_thousand_at_once() {
    let app = TestApp::open().await;
    station(&app, "Grill").await;
    let steak = item(&app, "Grill", 50).await;
    let order: Uuid = accepted(&app, &[steak]).await.parse().unwrap();
    let begun = "UPDATE kitchen_tickets SET id = uuid_v7(now() - interval '3 days'), \
                 created_at = now() - interval '3 days', updated_at = now() - interval '3 days' RETURNING id";
    let client = app.database.client().await;
    let oldest: Uuid = client.query_one(begun, &[]).await.unwrap().get(0);
    let shown = async || match EventStream::open(&app.admin, EVENTS, None).await.event().await {
        Told::Event { name, data, .. } if name == "snapshot" => data,
        other => panic!("{other:?}"),
    };
    let snapshot = shown().await;
    assert_eq!(
        (snapshot["tickets"][0]["id"].as_str(), &snapshot["more_open"]),
        (Some(&*oldest.to_string()), &json!(false))
    );

    // Those of many stations, one of which is younger than all others.
    let stations = "INSERT INTO kitchen_stations (id, created_at, updated_at, position, name) \
                    SELECT gen_random_uuid(), now(), now(), 1, 'Station ' || n FROM generate_series(1, 10000) n";
    let tickets = "INSERT INTO kitchen_tickets (id, order_id, station_id, created_at, updated_at, state, lines) \
                   SELECT uuid_v7(now() - interval '1 hour' + row_number() OVER () * interval '1 second'), $1, id, \
                          now(), now(), CASE row_number() OVER () % 2 WHEN 0 THEN 'queued' ELSE 'cooking' END, '{0}' \
                   FROM kitchen_stations WHERE name LIKE 'Station %'";
    client.execute(stations, &[]).await.unwrap();
    client.execute(tickets, &[&order]).await.unwrap();
    let by_age = "SELECT id FROM kitchen_tickets ORDER BY id LIMIT 10000";
    let by_age: Vec<String> =
        client.query(by_age, &[]).await.unwrap().iter().map(|row| row.get::<_, Uuid>(0).to_string()).collect();
    let snapshot = shown().await;
    let ids: Vec<_> =
        snapshot["tickets"].as_array().unwrap().iter().map(|ticket| ticket["id"].as_str().unwrap()).collect();
    assert_eq!(ids, by_age);
    assert_eq!(snapshot["more_open"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_station_that_is_gone_is_not_watched_nor_is_the_kitchen_by_customers() {
    let app = TestApp::open().await;
    let grill = station(&app, "Grill").await;
    let watched = format!("{EVENTS}?station={grill}");
    snapshot(&mut EventStream::open(&app.admin, &watched, None).await).await;
    let path = format!("/v1/kitchen/stations/{grill}");
    assert_eq!(Client::send(app.admin.request(Method::DELETE, &path)).await.status, 204);
    let not_found = (404, "not-found".to_owned());
    assert_eq!(app.admin.get(&watched).await.problem(), not_found);
    let unknown = format!("{EVENTS}?station={}", Uuid::now_v7());
    assert_eq!(app.admin.get(&unknown).await.problem(), not_found);
    let malformed = app.admin.get(&format!("{EVENTS}?station=grill")).await;
    assert_eq!(malformed.problem(), (422, "validation-failed".to_owned()));
    assert_eq!(app.customer().await.get(EVENTS).await.problem(), (403, "forbidden".to_owned()));
    app.close().await;
}
