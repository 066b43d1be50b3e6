//! Orders with choices, and what they take of supplies.

use std::collections::BTreeMap;

use comanda_tests::{Client, Response, TestApp, seeded};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use reqwest::Method;
use serde_json::{Value, json};

const GROUPS: &str = "/v1/menu/option-groups";

fn euros(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

async fn id_of(app: &TestApp, path: &str, body: &Value) -> String {
    app.admin.post(path, body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

/// Changes what a menu item offers or takes, as it is now.
async fn put(client: &Client, item: &str, what: &str, body: &Value) -> Response {
    let path = format!("/v1/menu/items/{item}");
    loop {
        let etag = client.get(&path).await.header("etag").expect("an ETag").to_owned();
        let request = client.request(Method::PUT, &format!("{path}/{what}")).header("If-Match", etag).json(body);
        let response = Client::send(request).await;
        if response.status != 412 {
            return response;
        }
    }
}

/// What can be chosen with burritos.
struct Kitchen {
    items: Vec<String>,
    /// Large takes 100 g more.
    size: [String; 2],
    /// Guacamole takes 60 g of avocado; without cheese, a burrito takes none.
    extras: [String; 2],
    extras_group: String,
    rice: String,
    cheese: String,
    avocado: String,
}

impl Kitchen {
    /// Burritos that nobody counts: 120 g of rice and 30 g of cheese each.
    async fn open(app: &TestApp, items: usize, [rice, cheese, avocado]: [u32; 3]) -> Self {
        let supply = async |name: &str, stock: u32| {
            id_of(app, "/v1/supplies", &json!({ "name": name, "unit": "g", "stock": stock })).await
        };
        let (rice, cheese) = (supply("Rice", rice).await, supply("Cheese", cheese).await);
        let avocado = supply("Avocado", avocado).await;
        let group = async |name: &str, options: Value| {
            let group = app.admin.post(GROUPS, &json!({ "name": name, "options": options })).await.expect(201);
            let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
            (id(&group), [id(&group["options"][0]), id(&group["options"][1])])
        };
        let large = json!({ "name": "Large", "price": euros(300), "supply": { "supply_id": rice, "amount": 100 } });
        let (size_group, size) = group("Size", json!([{ "name": "Regular" }, large])).await;
        let guacamole =
            json!({ "name": "Guacamole", "price": euros(250), "supply": { "supply_id": avocado, "amount": 60 } });
        let without = json!({ "name": "No cheese", "supply": { "supply_id": cheese, "amount": -30 } });
        let (extras_group, extras) = group("Extras", json!([guacamole, without])).await;
        let mut kitchen =
            Self { items: vec![], size, extras, extras_group: extras_group.clone(), rice, cheese, avocado };
        for n in 0..items {
            let dish =
                json!({ "name": format!("Burrito {n}"), "category": "Mains", "stock": null, "price": euros(990) });
            let item = id_of(app, "/v1/menu/items", &dish).await;
            let offers = json!([
                { "group_id": size_group, "min": 1, "max": 1 },
                { "group_id": extras_group, "min": 0, "max": 3, "max_each": 2 },
            ]);
            put(&app.admin, &item, "option-groups", &offers).await.expect(200);
            put(&app.admin, &item, "recipe", &kitchen.recipe(120)).await.expect(200);
            kitchen.items.push(item);
        }
        kitchen
    }

    fn recipe(&self, rice: u32) -> Value {
        json!([{ "supply_id": self.rice, "amount": rice }, { "supply_id": self.cheese, "amount": 30 }])
    }

    fn line(&self, item: usize, quantity: u32, chosen: &[(&String, u32)]) -> Value {
        let selections: Vec<Value> =
            chosen.iter().map(|(id, times)| json!({ "option_id": id, "quantity": times })).collect();
        json!({ "menu_item_id": self.items[item], "quantity": quantity, "selections": selections })
    }

    /// How much there is of rice, cheese and avocado.
    async fn left(&self, app: &TestApp) -> [i64; 3] {
        let left =
            async |id: &str| app.admin.get(&format!("/v1/supplies/{id}")).await.expect(200)["stock"].as_i64().unwrap();
        [left(&self.rice).await, left(&self.cheese).await, left(&self.avocado).await]
    }
}

async fn order(client: &Client, lines: &[Value]) -> Response {
    client.post("/v1/orders", &json!({ "items": lines })).await
}

async fn cancel(client: &Client, order: &Value) -> Response {
    client.post(&format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap()), &json!({})).await
}

#[tokio::test]
async fn an_order_takes_and_shows_what_was_chosen_and_a_cancellation_gives_back_exactly_that() {
    let app = TestApp::open().await;
    let kitchen = Kitchen::open(&app, 1, [1000, 100, 300]).await;
    let customer = app.customer().await;
    let (large, guacamole, without) = (&kitchen.size[1], &kitchen.extras[0], &kitchen.extras[1]);
    let lines =
        [kitchen.line(0, 2, &[(large, 1), (guacamole, 2)]), kitchen.line(0, 1, &[(&kitchen.size[0], 1), (without, 1)])];
    let body = json!({ "items": lines });
    let place = async || {
        let request = customer.request(Method::POST, "/v1/orders").header("Idempotency-Key", "supper").json(&body);
        Client::send(request).await
    };
    let placed = place().await;
    let shown = placed.expect(201);
    let first = &shown["items"][0];
    assert_eq!((&first["unit_price"], &first["line_total"]), (&euros(990), &euros(2 * (990 + 300 + 2 * 250))));
    let option = |id: &String, group: &str, name: &str, quantity: u32, price: i64| {
        let price = euros(price);
        json!({ "option_id": id, "group": group, "name": name, "quantity": quantity, "unit_price": price })
    };
    let chosen = json!([option(large, "Size", "Large", 1, 300), option(guacamole, "Extras", "Guacamole", 2, 250)]);
    assert_eq!(first["selections"], chosen);
    assert_eq!(shown["total"], euros(2 * 1790 + 990));
    assert_eq!(kitchen.left(&app).await, [1000 - 2 * 220 - 120, 100 - 2 * 30, 300 - 2 * 120]);

    // A replay is the same, byte for byte, and so is what is read.
    let again = place().await;
    assert_eq!((again.status, &again.text), (201, &placed.text));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let path = format!("/v1/orders/{}", shown["id"].as_str().unwrap());
    assert_eq!(customer.get(&path).await.expect(200)["items"], shown["items"]);

    // The recipe and the prices are others by now: neither changes what was ordered, nor what is given back.
    put(&app.admin, &kitchen.items[0], "recipe", &kitchen.recipe(1)).await.expect(200);
    let group = format!("{GROUPS}/{}", kitchen.extras_group);
    let dearer = json!({ "options": [{ "id": guacamole, "name": "Guac", "price": euros(999) }] });
    app.admin.patch(&group, "\"1\"", &dearer).await.expect(200);
    let cancelled = cancel(&customer, &shown).await.expect(200);
    assert_eq!((&cancelled["items"], &cancelled["total"]), (&shown["items"], &shown["total"]));
    assert_eq!(kitchen.left(&app).await, [1000, 100, 300]);
    app.close().await;
}

#[tokio::test]
async fn what_does_not_fit_is_named_where_it_is() {
    let app = TestApp::open().await;
    let kitchen = Kitchen::open(&app, 2, [1000, 1000, 1000]).await;
    let plain = app.item(9).await.to_string();
    let customer = app.customer().await;
    let (regular, large, guacamole) = (&kitchen.size[0], &kitchen.size[1], &kitchen.extras[0]);
    let unknown = "00000000-0000-7000-8000-000000000000".to_owned();
    let lines = [
        json!({ "menu_item_id": kitchen.items[0], "quantity": 1 }),
        kitchen.line(0, 1, &[(regular, 1), (large, 1)]),
        kitchen.line(1, 1, &[(regular, 1), (guacamole, 3)]),
        kitchen.line(1, 1, &[(regular, 1), (guacamole, 2), (&kitchen.extras[1], 2)]),
        kitchen.line(1, 1, &[(regular, 1), (&unknown, 1)]),
        json!({ "menu_item_id": plain, "quantity": 1, "selections": [{ "option_id": regular }] }),
    ];
    let refused = order(&customer, &lines).await;
    assert_eq!(refused.problem(), (422, "invalid-selection".to_owned()));
    let errors: Vec<(String, String)> = refused.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["pointer"].as_str().unwrap().to_owned(), error["code"].as_str().unwrap().to_owned()))
        .collect();
    let expected = [
        ("/items/0", "too-few"),
        ("/items/1/selections/1", "too-many"),
        ("/items/2/selections/1", "too-many"),
        ("/items/3/selections/2", "too-many"),
        ("/items/4/selections/1", "unknown-option"),
        ("/items/5/selections/0", "unknown-option"),
    ];
    assert_eq!(errors, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    for (selections, pointer) in [
        (json!([{ "option_id": regular, "quantity": 0 }]), "/items/0/selections/0/quantity"),
        (json!([{ "option_id": regular, "quantity": 101 }]), "/items/0/selections/0/quantity"),
        (json!([{ "option_id": "soup" }]), "/items/0/selections/0/option_id"),
    ] {
        let line = json!({ "menu_item_id": kitchen.items[0], "quantity": 1, "selections": selections });
        let refused = order(&customer, &[line]).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec![pointer.to_owned()]), "{selections}");
    }
    assert_eq!(kitchen.left(&app).await, [1000, 1000, 1000]);

    // Whoever knows no options orders what needs none.
    customer.order(&[(plain.parse().unwrap(), 1)]).await.expect(201);

    // An option that is archived while it is in a basket.
    let group = format!("{GROUPS}/{}", kitchen.extras_group);
    let archive = json!({ "options": [{ "id": kitchen.extras[1], "name": "No cheese" }] });
    app.admin.patch(&group, "\"1\"", &archive).await.expect(200);
    let late = order(&customer, &[kitchen.line(0, 1, &[(regular, 1), (guacamole, 1)])]).await;
    assert_eq!(late.expect(422)["errors"][0]["code"], "unknown-option");
    order(&customer, &[kitchen.line(0, 1, &[(regular, 1)])]).await.expect(201);
    app.close().await;
}

#[tokio::test]
async fn a_quote_says_what_an_order_would_cost_and_what_would_be_short_and_takes_nothing() {
    let app = TestApp::open().await;
    let kitchen = Kitchen::open(&app, 1, [1000, 1000, 100]).await;
    let soup = app.item(1).await;
    let customer = app.customer().await;
    let burrito = kitchen.line(0, 1, &[(&kitchen.size[0], 1), (&kitchen.extras[0], 2)]);
    let lines = json!({ "items": [burrito, { "menu_item_id": soup, "quantity": 2 }] });
    let quote = customer.post("/v1/orders/quote", &lines).await.expect(200);
    let price = quote["items"][1]["unit_price"]["amount"].as_i64().unwrap();
    assert_eq!(quote["total"], euros(990 + 2 * 250 + 2 * price));
    assert_eq!(quote["items"][0]["selections"][1]["name"], "Guacamole");
    assert_eq!(quote["shortages"]["items"], json!([{ "menu_item_id": soup, "requested": 2, "available": 1 }]));
    let short = json!([{ "supply_id": kitchen.avocado, "name": "Avocado", "requested": 120, "available": 100 }]);
    assert_eq!(quote["shortages"]["supplies"], short);

    let refused = customer.post("/v1/orders/quote", &json!({ "items": [kitchen.line(0, 1, &[])] })).await;
    assert_eq!(refused.problem(), (422, "invalid-selection".to_owned()));
    let possible = json!({ "items": [kitchen.line(0, 1, &[(&kitchen.size[0], 1)])] });
    let quote = customer.post("/v1/orders/quote", &possible).await.expect(200);
    assert_eq!(quote["shortages"], json!({ "items": [], "supplies": [] }));
    assert_eq!(customer.post("/v1/orders", &possible).await.expect(201)["items"], quote["items"]);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_thirty_portions_of_an_option_are_sold_thirty_times() {
    let app = TestApp::with_servers(2, &[]).await;
    let kitchen = Kitchen::open(&app, 12, [500_000, 500_000, 30 * 60 + 59]).await;
    let customers = app.customers(8).await;
    let mut trying = tokio::task::JoinSet::new();
    for n in 0..256 {
        let client = customers[n % 8].at(&app.servers[n % 2].base_url);
        let line = kitchen.line(n % 12, 1, &[(&kitchen.size[n % 2], 1), (&kitchen.extras[0], 1)]);
        trying.spawn(async move { order(&client, &[line]).await });
    }
    let responses = trying.join_all().await;
    let (placed, refused): (Vec<_>, Vec<_>) = responses.iter().partition(|response| response.status == 201);
    assert_eq!((placed.len(), refused.len()), (30, 226));
    let short = json!([{ "supply_id": kitchen.avocado, "name": "Avocado", "requested": 60, "available": 59 }]);
    for response in refused {
        assert_eq!(response.problem(), (409, "insufficient-stock".to_owned()));
        assert_eq!((&response.json()["items"], &response.json()["supplies"]), (&json!([]), &short));
    }
    assert_eq!(kitchen.left(&app).await[2], 59);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_cancellations_edits_and_stock_takes_of_the_same_supplies_agree() {
    let mut random = seeded();
    let app = TestApp::with_servers(2, &[]).await;
    let kitchen = std::sync::Arc::new(Kitchen::open(&app, 4, [60_000, 9_000, 6_000]).await);
    let customers = app.customers(8).await;
    let mut rushing = tokio::task::JoinSet::new();
    for n in 0..32 {
        let client = customers[n % 8].at(&app.servers[n % 2].base_url);
        let (mut random, kitchen) = (StdRng::from_rng(&mut random), std::sync::Arc::clone(&kitchen));
        rushing.spawn(async move {
            let mut responses = Vec::new();
            for _ in 0..10 {
                let mut lines = Vec::new();
                for _ in 0..random.random_range(1..=3) {
                    let mut chosen = vec![(kitchen.size.choose(&mut random).unwrap(), 1)];
                    if random.random_bool(0.6) {
                        chosen.push((kitchen.extras.choose(&mut random).unwrap(), random.random_range(1..=2)));
                    }
                    lines.push(kitchen.line(random.random_range(0..4), random.random_range(1..=3), &chosen));
                }
                let placed = order(&client, &lines).await;
                if placed.status == 201 && random.random_bool(0.3) {
                    responses.push(cancel(&client, &placed.json()).await);
                }
                responses.push(placed);
            }
            responses
        });
    }
    let staff = {
        let (admin, kitchen) = (app.admin.clone(), std::sync::Arc::clone(&kitchen));
        let mut random = StdRng::from_rng(&mut random);
        tokio::spawn(async move {
            let mut responses = Vec::new();
            for round in 0..15_u32 {
                let item = kitchen.items.choose(&mut random).unwrap();
                responses.push(put(&admin, item, "recipe", &kitchen.recipe(100 + round)).await);
                let path = format!("{GROUPS}/{}", kitchen.extras_group);
                let etag = format!("\"{}\"", round + 1);
                let prices = json!({ "options": [
                    { "id": kitchen.extras[0], "name": "Guacamole", "price": euros(250 + i64::from(round)),
                      "supply": { "supply_id": kitchen.avocado, "amount": 50 + round } },
                    { "id": kitchen.extras[1], "name": "No cheese",
                      "supply": { "supply_id": kitchen.cheese, "amount": -30 } },
                ] });
                responses.push(admin.patch(&path, &etag, &prices).await);
                for (supply, change) in
                    [(&kitchen.rice, json!({ "delta": 500 })), (&kitchen.avocado, json!({ "counted": 700 }))]
                {
                    let mut change = change;
                    change["reason"] = json!("kitchen");
                    responses.push(admin.post(&format!("/v1/supplies/{supply}/stock"), &change).await);
                }
            }
            responses
        })
    };
    let responses: Vec<Response> = rushing.join_all().await.into_iter().flatten().collect();
    let changes = staff.await.unwrap();
    let counted = |responses: &[Response]| {
        let mut counts = BTreeMap::new();
        for response in responses {
            *counts.entry(response.status).or_insert(0) += 1;
        }
        counts
    };
    assert_eq!(counted(&changes), BTreeMap::from([(200, 60)]), "staff get through");
    let counts = counted(&responses);
    assert!(counts.keys().all(|status| matches!(status, 200 | 201 | 409)), "{counts:?}");
    assert!([200, 201, 409].iter().all(|status| counts.contains_key(status)), "the rush was one: {counts:?}");
    let refused = responses.iter().filter(|response| response.status == 409);
    assert!(refused.clone().all(|response| response.code() == "insufficient-stock"), "{refused:?}");
    app.close().await;
}
