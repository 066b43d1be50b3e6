//! What becomes of the books when a refund fails, and when another amount comes or goes back than was asked for.

use serde_json::json;
use uuid::Uuid;

use super::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_refund_of_a_cancelled_payment_is_made_again_by_staff_alone() {
    let stage = Stage::open().await;
    stage.cancel().await;
    stage.pay().await;
    let late = stage.own_refund().await;
    assert_eq!(stage.status().await, ("refunded".to_owned(), 900));
    assert_eq!(stage.books().await, (900, 900));
    stage.report("refund.failed", 0, &stage.refund_of_ours(late, 900, "failed")).await;
    // Reported again, and compared again every day, the money does not go back by itself.
    stage.pay().await;
    assert_eq!(stage.status().await, ("cancelled".to_owned(), 0));
    assert_eq!(stage.books().await, (900, 0));

    let payment = stage.payment().await["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/orders/{}/payments/{payment}/refunds", stage.order);
    let asked = |amount: i64| {
        let money = json!({ "amount": amount, "currency": "EUR" });
        json!({ "amount": money, "reason": "the bank sent the money back" })
    };
    assert_eq!(stage.app.admin.post(&path, &asked(901)).await.status, 422);
    stage.app.admin.post(&path, &asked(900)).await.expect(201);
    stage.own_refund().await;
    assert_eq!(stage.status().await, ("refunded".to_owned(), 900));
    assert_eq!(stage.books().await, (900, 900));
    assert_eq!(stage.app.admin.post(&path, &asked(1)).await.status, 409);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_say_what_came_and_what_went_back() {
    let mut stage = Stage::open().await;
    let paid = |intent: &str, received: i64| {
        let currency = "eur";
        json!({ "id": intent, "amount": 900, "amount_received": received, "currency": currency })
    };
    // Too little, for an order that was cancelled before.
    stage.cancel().await;
    for _ in 0..2 {
        stage.report("payment_intent.succeeded", 0, &paid(&stage.intent, 100)).await;
    }
    stage.own_refund().await;
    assert_eq!(stage.books().await, (100, 100));
    let incidents = stage.payment().await["incidents"].clone();
    assert_eq!((&incidents[0]["kind"], &incidents[0]["status"]), (&json!("mismatch"), &json!("lost")));

    // Too little, for an order that waits: it goes back on the dashboard.
    stage.begin().await;
    stage.report("payment_intent.succeeded", 0, &paid(&stage.intent, 200)).await;
    assert_eq!(stage.books().await, (300, 100));
    assert_eq!(stage.payment().await["incidents"][0]["status"], "needs_response");
    let refund = format!("re_{}", stage.intent);
    stage.report("refund.created", 0, &stage.refund(&refund, 200, "succeeded")).await;
    assert_eq!(stage.books().await, (300, 300));
    assert_eq!(stage.payment().await["incidents"][0]["status"], "lost", "it has gone back");
    stage.report("refund.failed", 0, &stage.refund(&refund, 200, "failed")).await;
    assert_eq!(stage.books().await, (300, 100));
    assert_eq!(stage.payment().await["incidents"][0]["status"], "needs_response", "it has not after all");

    // A refund of a cancelled payment is reported before the payment is.
    stage.begin().await;
    stage.cancel().await;
    stage.report("refund.created", 0, &stage.refund(&format!("re_{}", stage.intent), 900, "succeeded")).await;
    for _ in 0..2 {
        stage.pay().await;
    }
    assert_eq!(stage.books().await, (1200, 1000));
    assert_eq!(stage.status().await, ("refunded".to_owned(), 900));

    // A refund that fails is taken back on the day on which it fails.
    stage.begin().await;
    stage.pay().await;
    let refund = format!("re_{}", stage.intent);
    stage.report("refund.created", 0, &stage.refund(&refund, 900, "succeeded")).await;
    let tables = stage.app.database.client().await;
    let closed = "UPDATE refunds SET settled_at = settled_at - interval '10 days' WHERE gateway_id = $1";
    assert_eq!(tables.execute(closed, &[&refund]).await.unwrap(), 1);
    assert_eq!(stage.books().await, (2100, 1000));
    stage.report("refund.failed", 0, &stage.refund(&refund, 900, "failed")).await;
    assert_eq!(stage.books().await, (2100, 100));
    let then = "SELECT count(*) FROM refunds WHERE settled_at < now() - interval '9 days' AND failed_at > settled_at";
    assert_eq!(stage.app.database.number(then).await, 1);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gateway_really_gives_back_of_our_refunds_counts() {
    let mut stage = Stage::open().await;
    stage.pay().await;
    stage.cancel().await;
    let ours = stage.own_refund().await;
    for _ in 0..2 {
        stage.report("refund.updated", 0, &stage.refund_of_ours(ours, 300, "succeeded")).await;
    }
    assert_eq!(stage.status().await, ("partly_refunded".to_owned(), 300));
    let incidents = stage.payment().await["incidents"].clone();
    assert_eq!((incidents.as_array().unwrap().len(), &incidents[0]["reason"]), (1, &json!("refund")));
    assert_eq!(stage.books().await, (900, 300));

    // One with an id of ours that the books do not know: they were restored from an older copy.
    stage.begin().await;
    stage.pay().await;
    let lost = Uuid::now_v7();
    for _ in 0..2 {
        stage.report("refund.created", 0, &stage.refund_of_ours(lost, 900, "succeeded")).await;
    }
    assert_eq!(stage.status().await, ("refunded".to_owned(), 900));
    assert_eq!(stage.books().await, (1800, 1200));
    stage.app.close().await;
}

/// Staff may have paid the customer in another way since.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_of_staff_that_failed_is_not_made_again_by_itself_once_the_order_is_paid_anew() {
    let stage = Stage::open().await;
    stage.pay().await;
    let id = stage.payment().await["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/orders/{}/payments", stage.order);
    let reason = json!({ "reason": "the soup was cold" });
    stage.app.admin.post(&format!("{path}/{id}/refunds"), &reason).await.expect(201);
    let ours = stage.own_refund().await;
    let again = stage.customer.post(&path, &json!({ "method": "card" })).await.expect(201);
    let intent = again["client_secret"].as_str().unwrap().split("_secret").next().unwrap();
    let paid = json!({ "id": intent, "amount": 900, "amount_received": 900, "currency": "eur" });
    stage.report("payment_intent.succeeded", 0, &paid).await;

    stage.report("refund.failed", 0, &stage.refund_of_ours(ours, 900, "failed")).await;
    for _ in 0..2 {
        stage.pay().await;
    }
    let tables = stage.app.database.client().await;
    let payment = "SELECT p.status, count(r.id) FROM payments p JOIN refunds r ON r.payment_id = p.id \
                   WHERE p.intent = $1 GROUP BY p.id";
    let payment = tables.query_one(payment, &[&stage.intent]).await.unwrap();
    assert_eq!((payment.get::<_, &str>(0), payment.get::<_, i64>(1)), ("cancelled", 1));
    stage.close().await;
}
