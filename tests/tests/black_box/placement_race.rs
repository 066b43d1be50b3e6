use std::collections::BTreeMap;

use comanda_tests::{Client, Response, TestApp, seeded};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::json;
use uuid::Uuid;

/// 64 customers of two servers.
async fn dinner(stock: &[u32]) -> (TestApp, Vec<Client>, Vec<Uuid>) {
    let app = TestApp::with_servers(2, &[]).await;
    let mut items = Vec::new();
    for quantity in stock {
        items.push(app.item(*quantity).await);
    }
    // 64 connections need fewer accounts than that.
    let customers = app.customers(8).await;
    let clients = (0..64).map(|n| customers[n % 8].at(&app.servers[n % 2].base_url)).collect();
    (app, clients, items)
}

fn counted(responses: &[Response]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for response in responses {
        *counts.entry(response.status).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_attempts_at_a_stock_of_a_hundred_are_a_hundred_orders() {
    let (app, clients, items) = dinner(&[100]).await;
    let item = items[0];
    let mut trying = tokio::task::JoinSet::new();
    for n in 0..400 {
        let client = clients[n % 64].clone();
        trying.spawn(async move { client.order(&[(item, 1)]).await });
    }
    let responses = trying.join_all().await;

    assert_eq!(counted(&responses), BTreeMap::from([(201, 100), (409, 300)]));
    for refused in responses.iter().filter(|response| response.status == 409) {
        assert_eq!(refused.code(), "insufficient-stock");
        let left = &refused.json()["items"];
        assert_eq!(left, &json!([{ "menu_item_id": item, "requested": 1, "available": 0 }]));
    }
    assert_eq!((app.stock(item).await, app.orders().await), (0, 100));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_cancellations_edits_and_deliveries_of_the_same_menu_items_agree_with_the_stock() {
    let mut random = seeded();
    let (app, clients, items) = dinner(&[100, 120, 140]).await;
    let mut rushing = tokio::task::JoinSet::new();
    for client in clients {
        let (mut random, items) = (StdRng::from_rng(&mut random), items.clone());
        rushing.spawn(async move {
            let mut responses = Vec::new();
            for _ in 0..12 {
                let mut lines: Vec<(Uuid, u32)> =
                    items.iter().map(|item| (*item, random.random_range(1..=2))).collect();
                lines.shuffle(&mut random);
                lines.truncate(random.random_range(1..=3));
                let placed = client.order(&lines).await;
                if placed.status == 201 && random.random_bool(0.3) {
                    let cancel = format!("/v1/orders/{}/cancel", placed.json()["id"].as_str().unwrap());
                    responses.push(client.post(&cancel, &json!({})).await);
                }
                responses.push(placed);
            }
            responses
        });
    }
    let editor = {
        let (admin, items) = (app.admin.clone(), items.clone());
        let mut random = StdRng::from_rng(&mut random);
        tokio::spawn(async move {
            let mut responses = Vec::new();
            for revision in 1..=12 {
                for item in &items {
                    let path = format!("/v1/menu/items/{item}");
                    let price = json!({ "price": { "amount": 500 + revision, "currency": "EUR" } });
                    responses.push(admin.patch(&path, &format!("\"{revision}\""), &price).await);
                    let delivery = json!({ "delta": random.random_range(1..=5), "reason": "delivery" });
                    responses.push(admin.post(&format!("{path}/stock"), &delivery).await);
                }
            }
            responses
        })
    };
    let responses: Vec<Response> = rushing.join_all().await.into_iter().flatten().collect();
    let edits = editor.await.unwrap();

    assert_eq!(counted(&edits), BTreeMap::from([(200, 72)]), "an editor gets through: {edits:?}");
    assert!(responses.iter().all(|response| matches!(response.status, 200 | 201 | 409)), "{:?}", counted(&responses));
    let refusals = responses.iter().filter(|response| response.status == 409);
    assert!(refusals.clone().all(|response| response.code() == "insufficient-stock"));
    assert!(refusals.count() > 0 && responses.iter().any(|response| response.status == 200), "the rush was one");
    let placed = responses.iter().filter(|response| response.status == 201).count();
    assert_eq!(app.orders().await, i64::try_from(placed).unwrap());
    app.close().await;
}
