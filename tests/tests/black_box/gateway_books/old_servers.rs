//! What servers of the release before leave behind while they still run.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Stage;

fn event(id: &str, kind: &str, object: &Value) -> String {
    let now = chrono::Utc::now().timestamp();
    json!({ "id": id, "object": "event", "type": kind, "created": now, "data": { "object": object } }).to_string()
}

/// Such a server takes an event, and counts it as handled.
async fn pass_over(stage: &Stage, id: &str, kind: &str, object: &Value) {
    let mut tables = stage.app.database.client().await;
    let transaction = tables.transaction().await.unwrap();
    let receive = "INSERT INTO gateway_events (id, received_at, taken_until, body) \
                   VALUES ($1, now(), now() + interval '30 seconds', $2)";
    transaction.execute(receive, &[&id, &event(id, kind, object)]).await.unwrap();
    transaction.execute("UPDATE gateway_events SET handled_at = now() WHERE id = $1", &[&id]).await.unwrap();
    transaction.commit().await.unwrap();
}

/// It counts whatever came for what was asked for.
async fn mistake_for_paid(stage: &Stage, paid_at: &str) {
    let pay = format!(
        "UPDATE payments SET status = 'succeeded', paid_at = {paid_at}, version = version + 1 WHERE intent = $1"
    );
    assert_eq!(stage.app.database.client().await.execute(&pay, &[&stage.intent]).await.unwrap(), 1);
}

async fn until_read(stage: &Stage) {
    let begin = Instant::now();
    let left = "SELECT count(*) FROM gateway_events WHERE unknown_kind IS NOT NULL AND reader IS NULL";
    while stage.app.database.number(left).await != 0 {
        assert!(begin.elapsed() < Duration::from_secs(10), "nobody handles what was passed over");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_of_the_release_before_counts_as_handled_is_handled() {
    let mut stage = Stage::open().await;
    stage.pay().await;
    let dispute = |id: &str| {
        json!({ "id": id, "amount": 900, "currency": "eur", "payment_intent": stage.intent,
                "status": "needs_response", "reason": "fraudulent" })
    };
    // What it handled before the upgrade is history: nobody is alarmed by a dispute of last month.
    let before = "INSERT INTO gateway_events (id, received_at, handled_at, body) VALUES ($1, now(), now(), $2)";
    let old = event("evt_0", "charge.dispute.created", &dispute("dp_0"));
    stage.app.database.client().await.execute(before, &[&"evt_0", &old]).await.unwrap();
    pass_over(&stage, "evt_1", "charge.dispute.created", &dispute("dp_1")).await;
    pass_over(&stage, "evt_2", "refund.created", &stage.refund("re_1", 300, "succeeded")).await;
    pass_over(&stage, "evt_3", "customer.created", &json!({ "type": "refund.created" })).await;
    until_read(&stage).await;
    assert_eq!(stage.status().await, ("partly_refunded".to_owned(), 300));
    let incidents = stage.payment().await["incidents"].clone();
    assert_eq!((incidents.as_array().unwrap().len(), &incidents[0]["kind"]), (1, &json!("dispute")));

    // It does not look at how much came.
    stage.begin().await;
    mistake_for_paid(&stage, "now()").await;
    let paid = json!({ "id": stage.intent, "amount": 900, "amount_received": 100, "currency": "eur" });
    pass_over(&stage, "evt_4", "payment_intent.succeeded", &paid).await;
    until_read(&stage).await;
    let payment = stage.payment().await;
    assert_eq!((&payment["status"], &payment["incidents"][0]["amount"]["amount"]), (&json!("succeeded"), &json!(100)));
    stage.report("payment_intent.succeeded", 0, &paid).await;
    assert_eq!(stage.payment().await, payment, "it is noted once");
    assert_eq!(stage.books().await, (1000, 300));
    // No more goes back than came, and then it is all.
    stage.cancel().await;
    stage.own_refund().await;
    assert_eq!(stage.status().await, ("refunded".to_owned(), 100));
    assert_eq!(stage.books().await, (1000, 400));
    stage.close().await;
}

/// It does not look at the currency either.
#[tokio::test(flavor = "multi_thread")]
async fn another_currency_that_counted_as_paid_is_no_money_of_ours() {
    let stage = Stage::open().await;
    mistake_for_paid(&stage, "now()").await;
    assert_eq!(stage.books().await, (900, 0));
    let paid = json!({ "id": stage.intent, "amount": 900, "amount_received": 900, "currency": "usd" });
    for _ in 0..2 {
        stage.report("payment_intent.succeeded", 0, &paid).await;
    }
    let payment = stage.payment().await;
    let amount = json!({ "amount": 900, "currency": "USD" });
    assert_eq!((&payment["status"], &payment["incidents"][0]["amount"]), (&json!("succeeded"), &amount));
    assert_eq!(stage.books().await, (0, 0));
    let path = format!("/v1/orders/{}/payments/{}/refunds", stage.order, payment["id"].as_str().unwrap());
    let refund = stage.app.admin.post(&path, &json!({ "reason": "cold soup" })).await;
    assert_eq!(refund.status, 422, "{refund:?}");
    stage.cancel().await;
    assert_eq!(stage.app.database.number("SELECT count(*) FROM refunds").await, 0);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_closed_stays_as_it_is_though_less_came_than_was_counted() {
    let mut stage = Stage::open().await;
    for (currency, then, today) in [("eur", 900, -800), ("usd", 1800, -1700)] {
        mistake_for_paid(&stage, "now() - interval '36 hours'").await;
        assert_eq!(stage.books_of(1).await, (then, 0));
        let paid = json!({ "id": stage.intent, "amount": 900, "amount_received": 100, "currency": currency });
        let age = 36 * 60 * 60;
        stage.report("payment_intent.succeeded", age, &paid).await;
        stage.report("payment_intent.succeeded", age - 1, &paid).await;
        assert_eq!(stage.payment().await["incidents"][0]["amount"]["amount"], 100, "{currency}");
        assert_eq!((stage.books_of(1).await, stage.books().await), ((then, 0), (today, 0)), "{currency}");
        stage.begin().await;
    }
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_counted_as_paid_is_paid_anew_once_all_that_came_has_gone_back() {
    let mut stage = Stage::open().await;
    for noted_first in [true, false] {
        mistake_for_paid(&stage, "now()").await;
        let paid = json!({ "id": stage.intent, "amount": 900, "amount_received": 100, "currency": "eur" });
        let refund = stage.refund(&format!("re_{}", stage.intent), 100, "succeeded");
        let events = [("payment_intent.succeeded", &paid), ("refund.created", &refund)];
        let order = if noted_first { [0, 1] } else { [1, 0] };
        for number in order {
            let (kind, object) = events[number];
            stage.report(kind, 0, object).await;
        }
        assert_eq!(stage.status().await, ("refunded".to_owned(), 100), "noted first: {noted_first}");
        assert_eq!(stage.payment().await["incidents"][0]["status"], "lost", "noted first: {noted_first}");

        let path = format!("/v1/orders/{}/payments", stage.order);
        let again = stage.customer.post(&path, &json!({ "method": "card" })).await.expect(201);
        let intent = again["client_secret"].as_str().unwrap().split("_secret").next().unwrap();
        let paid = json!({ "id": intent, "amount": 900, "amount_received": 900, "currency": "eur" });
        stage.report("payment_intent.succeeded", 0, &paid).await;
        let succeeded = "SELECT count(*) FROM payments WHERE intent = $1 AND status = 'succeeded'";
        let tables = stage.app.database.client().await;
        assert_eq!(tables.query_one(succeeded, &[&intent]).await.unwrap().get::<_, i64>(0), 1);
        stage.begin().await;
    }
    stage.close().await;
}

/// It does not keep whether the gateway had made a refund that has failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_failed_at_a_server_of_the_release_before_does_not_come_back_to_life() {
    let mut stage = Stage::open().await;
    for total_first in [true, false] {
        stage.pay().await;
        stage.cancel().await;
        let ours = stage.own_refund().await;
        let tables = stage.app.database.client().await;
        let made = "UPDATE refunds SET settled_at = now() - interval '2 days', made_at = NULL WHERE id = $1";
        tables.execute(made, &[&ours]).await.unwrap();
        let fail = "UPDATE refunds SET status = 'failed', settled_at = now() WHERE id = $1";
        tables.execute(fail, &[&ours]).await.unwrap();
        let recount = "UPDATE payments SET status = 'succeeded', refunded = 0, version = version + 1 WHERE intent = $1";
        tables.execute(recount, &[&stage.intent]).await.unwrap();
        let times = "SELECT settled_at < now() - interval '1 day' AND failed_at > now() - interval '1 day' \
                     FROM refunds WHERE id = $1";
        let is_in_the_books: Option<bool> = tables.query_one(times, &[&ours]).await.unwrap().get(0);
        assert_eq!(is_in_the_books, Some(true), "the day on which it succeeded stays as it is");

        let total = ("charge.refunded", stage.charge(900));
        let failure = ("refund.failed", stage.refund_of_ours(ours, 900, "failed"));
        let events = if total_first { [&total, &failure] } else { [&failure, &total] };
        for (kind, object) in events {
            stage.report(kind, 0, object).await;
        }
        assert_eq!(stage.status().await, ("succeeded".to_owned(), 0), "the total first: {total_first}");
        let refunds = "SELECT count(*) FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE p.intent = $1";
        let refunds: i64 = tables.query_one(refunds, &[&stage.intent]).await.unwrap().get(0);
        assert_eq!(refunds, 1, "the total first: {total_first}");
        stage.begin().await;
    }
    stage.close().await;
}
