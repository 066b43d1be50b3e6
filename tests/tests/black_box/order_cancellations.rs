//! An operator cancels the orders of a time on the command line.

use std::{
    process::Output,
    time::{Duration, Instant},
};

use comanda_tests::{Client, TestApp};
use serde_json::{Value, json};
use uuid::Uuid;

const OFFLINE: [(&str, &str); 2] = [("MODE", "development"), ("PAYMENT_GATEWAY", "offline")];

async fn order(customer: &Client, item: Uuid) -> Value {
    customer.order(&[(item, 1)]).await.expect(201)
}

async fn begin_card(customer: &Client, order: &Value) -> Value {
    let path = format!("/v1/orders/{}/payments", order["id"].as_str().unwrap());
    customer.post(&path, &json!({ "method": "card" })).await.expect(201)
}

/// As the customer's browser does with a test card.
async fn confirm(customer: &Client, payment: &Value) {
    let intent = payment["client_secret"].as_str().unwrap().split("_secret").next().unwrap();
    let path = format!("/v1/offline-gateway/intents/{intent}/pay");
    assert_eq!(customer.post(&path, &json!({ "payment_method": "pm_card_visa" })).await.status, 202);
}

async fn found(customer: &Client, order: &Value) -> Value {
    let path = format!("/v1/orders/{}?include=payments", order["id"].as_str().unwrap());
    customer.get(&path).await.expect(200)
}

async fn until_payment(customer: &Client, order: &Value, status: &str) {
    let begin = Instant::now();
    while found(customer, order).await["payments"][0]["status"] != status {
        assert!(begin.elapsed() < Duration::from_secs(10), "{}", found(customer, order).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_lists_and_then_cancels_the_unpaid_or_unaccepted_orders_of_a_time() {
    let app = TestApp::with_servers(1, &OFFLINE).await;
    let (item, customer) = (app.item(10).await, app.customer().await);
    let before = order(&customer, item).await;
    let (unpaid, begun, paid, accepted) = (
        order(&customer, item).await,
        order(&customer, item).await,
        order(&customer, item).await,
        order(&customer, item).await,
    );
    begin_card(&customer, &begun).await;
    confirm(&customer, &begin_card(&customer, &paid).await).await;
    until_payment(&customer, &paid, "succeeded").await;
    let advance = format!("/v1/orders/{}/status", accepted["id"].as_str().unwrap());
    app.admin.post(&advance, &json!({ "status": "accepted" })).await.expect(200);

    let from = unpaid["created_at"].as_str().unwrap();
    assert_ne!(before["created_at"], from);
    let run = |arguments: &[&str]| {
        app.comanda(&[&["orders", "cancel", "--from", from, "--to", "2999-01-01T00:00:00Z"], arguments].concat())
    };
    let json_of = |arguments: &[&str]| -> Value {
        let output = run(&[arguments, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", printed(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let ids = |orders: &[&Value]| Value::from(orders.iter().map(|order| order["id"].clone()).collect::<Vec<_>>());
    let listed = |document: &Value| {
        Value::from(document["orders"].as_array().unwrap().iter().map(|order| order["id"].clone()).collect::<Vec<_>>())
    };

    for (arguments, expected) in [
        (&["--unpaid", "--pending"][..], ids(&[&unpaid, &begun])),
        (&["--pending"], ids(&[&unpaid, &begun, &paid])),
        (&["--unpaid"], ids(&[&unpaid, &begun, &accepted])),
    ] {
        let dry = json_of(arguments);
        assert_eq!((listed(&dry), &dry["outcome"]), (expected, &Value::Null), "{arguments:?}");
    }
    assert!(printed(&run(&["--unpaid"])).contains("3 order(s) would be cancelled. Nothing has changed"));
    // What it would cost is said before it is done.
    let dry = json_of(&["--pending"]);
    let price = json!({ "amount": 990, "currency": "EUR" });
    let refunds =
        Value::from(dry["orders"].as_array().unwrap().iter().map(|o| o["refund"].clone()).collect::<Vec<_>>());
    assert_eq!(refunds, json!([null, null, price]), "{dry}");
    assert_eq!(dry["refunds"], json!([{ "orders": 1, "amount": 990, "currency": "EUR" }]));
    let said = printed(&run(&["--pending"]));
    let number = dry["orders"][2]["number"].as_str().unwrap();
    let sum = format!("1 of them are paid (numbers {number}): 990 EUR (minor units) would be refunded.");
    assert!(said.contains(&sum), "{said}");
    assert!(said.contains("990 EUR (minor units), 990 EUR (minor units) would be refunded"), "{said}");
    let unpaid_only = (json_of(&["--unpaid"])["refunds"].clone(), printed(&run(&["--unpaid"])));
    assert!(unpaid_only.0 == json!([]) && !unpaid_only.1.contains("refunded"), "{unpaid_only:?}");
    assert_eq!(app.stock(item).await, 5, "a dry run changes nothing");

    let both = json_of(&["--unpaid", "--pending", "--yes", "--reason", "a flood of them"]);
    assert_eq!(both["outcome"]["cancelled"], ids(&[&unpaid, &begun]), "{both}");
    assert_eq!(app.stock(item).await, 7);
    for order in [&unpaid, &begun] {
        assert_eq!(found(&customer, order).await["status"], "cancelled");
    }
    until_payment(&customer, &begun, "cancelled").await;
    let log = app.admin.get("/v1/admin/audit-log?limit=2").await.expect(200);
    for record in log["data"].as_array().unwrap() {
        assert_eq!(
            (&record["action"], &record["actor_id"], &record["reason"]),
            (&json!("order.cancelled"), &Value::Null, &json!("a flood of them"))
        );
    }
    let repeated = json_of(&["--unpaid", "--pending", "--yes"]);
    assert_eq!(repeated["outcome"]["cancelled"], json!([]), "{repeated}");

    assert!(printed(&run(&["--pending", "--yes"])).contains("1 order(s) cancelled"));
    until_payment(&customer, &paid, "refunded").await;
    assert_eq!(json_of(&["--unpaid", "--yes"])["outcome"]["cancelled"], ids(&[&accepted]));
    assert_eq!((found(&customer, &before).await["status"].clone(), app.stock(item).await), (json!("pending"), 9));

    for (arguments, why) in [
        (&["--from", "2026-11-28T18:00:00Z", "--to", "2026-11-28T19:00:00Z"][..], "--unpaid"),
        (&["--unpaid", "--from", "yesterday", "--to", "2026-11-28T19:00:00Z"], "--from"),
        (&["--unpaid", "--from", "2026-11-28T19:00:00Z", "--to", "2026-11-28T19:00:00Z"], "before --to"),
        (&["--unpaid", "--from", "2026-11-28T19:00:00Z"], "--to"),
    ] {
        let output = app.comanda(&[&["orders", "cancel"], arguments].concat());
        assert!(output.status.code() == Some(2) && printed(&output).contains(why), "{}", printed(&output));
    }
    // Nothing is to be done, and nothing can be: a year was mistyped.
    for arguments in [&["--unpaid"][..], &["--pending", "--yes"], &["--unpaid", "--json"]] {
        let times = ["orders", "cancel", "--from", "2015-11-28T18:00:00Z", "--to", "2015-11-28T19:00:00Z"];
        let output = app.comanda(&[&times[..], arguments].concat());
        let said = printed(&output);
        assert!(output.status.code() == Some(1) && said.contains("no order was placed"), "{arguments:?}: {said}");
    }
    app.close().await;
}
