use std::collections::BTreeMap;

use comanda_tests::{Client, Response, TestApp, seeded};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::json;
use uuid::Uuid;

/// 64 customers at two servers.
async fn dinner(stock: &[u32]) -> (TestApp, Vec<Client>, Vec<Uuid>) {
    let restaurant = TestApp::with_servers(2, &[]).await;
    let mut items = Vec::new();
    for quantity in stock {
        items.push(restaurant.item(*quantity).await);
    }
    // 64 connections need fewer accounts than that.
    let customers = restaurant.customers(8).await;
    let clients = (0..64).map(|n| customers[n % 8].at(&restaurant.servers[n % 2].base_url)).collect();
    (restaurant, clients, items)
}

fn counted(answers: &[Response]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts.entry(answer.status).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_attempts_for_a_hundred_portions_are_a_hundred_orders() {
    let (restaurant, clients, items) = dinner(&[100]).await;
    let item = items[0];
    let mut trying = tokio::task::JoinSet::new();
    for n in 0..400 {
        let client = clients[n % 64].clone();
        trying.spawn(async move { client.order(&[(item, 1)]).await });
    }
    let answers = trying.join_all().await;

    assert_eq!(counted(&answers), BTreeMap::from([(201, 100), (409, 300)]));
    for refused in answers.iter().filter(|answer| answer.status == 409) {
        assert_eq!(refused.code(), "insufficient-stock");
        let left = &refused.json()["items"];
        assert_eq!(left, &json!([{ "menu_item_id": item, "requested": 1, "available": 0 }]));
    }
    assert_eq!((restaurant.stock(item).await, restaurant.orders().await), (0, 100));
    restaurant.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_several_menu_items_in_any_order_with_cancellations_and_an_editor_in_between() {
    let mut random = seeded();
    let (restaurant, clients, items) = dinner(&[100, 120, 140]).await;
    let mut rushing = tokio::task::JoinSet::new();
    for client in clients {
        let (mut random, items) = (StdRng::from_rng(&mut random), items.clone());
        rushing.spawn(async move {
            let mut answers = Vec::new();
            for _ in 0..12 {
                let mut lines: Vec<(Uuid, u32)> =
                    items.iter().map(|item| (*item, random.random_range(1..=2))).collect();
                lines.shuffle(&mut random);
                lines.truncate(random.random_range(1..=3));
                let placed = client.order(&lines).await;
                if placed.status == 201 && random.random_bool(0.3) {
                    let cancel = format!("/v1/orders/{}/cancel", placed.json()["id"].as_str().unwrap());
                    answers.push(client.post(&cancel, &json!({})).await);
                }
                answers.push(placed);
            }
            answers
        });
    }
    let editor = {
        let (admin, items) = (restaurant.admin.clone(), items.clone());
        let mut random = StdRng::from_rng(&mut random);
        tokio::spawn(async move {
            let mut answers = Vec::new();
            for revision in 1..=12 {
                for item in &items {
                    let path = format!("/v1/menu/items/{item}");
                    let price = json!({ "price": { "amount": 500 + revision, "currency": "EUR" } });
                    answers.push(admin.patch(&path, &format!("\"{revision}\""), &price).await);
                    let delivery = json!({ "delta": random.random_range(1..=5), "reason": "delivery" });
                    answers.push(admin.post(&format!("{path}/stock"), &delivery).await);
                }
            }
            answers
        })
    };
    let answers: Vec<Response> = rushing.join_all().await.into_iter().flatten().collect();
    let edits = editor.await.unwrap();

    assert_eq!(counted(&edits), BTreeMap::from([(200, 72)]), "an editor gets a turn: {edits:?}");
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 201 | 409)), "{:?}", counted(&answers));
    let refusals = answers.iter().filter(|answer| answer.status == 409);
    assert!(refusals.clone().all(|answer| answer.code() == "insufficient-stock"));
    assert!(refusals.count() > 0 && answers.iter().any(|answer| answer.status == 200), "the rush was one");
    let told = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(restaurant.orders().await, i64::try_from(told).unwrap());
    restaurant.close().await;
}
