//! What the gateway reports beside payments: other amounts than were asked for, refunds that somebody made there,
//! refunds that fail after they succeeded, and disputes; in whatever order, and however often.

mod corrections;
mod old_servers;

use std::time::{Duration, Instant};

use comanda_tests::{Client, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const SECRET: &str = "whsec_of_the_endpoint";

/// An order of 9.00 € whose card payment has begun.
struct Stage {
    app: TestApp,
    customer: Client,
    item: Uuid,
    order: String,
    intent: String,
}

impl Stage {
    async fn open() -> Self {
        let settings = [("MODE", "development"), ("PAYMENT_GATEWAY", "offline"), ("STRIPE_WEBHOOK_SECRETS", SECRET)];
        let app = TestApp::with_servers(1, &settings).await;
        let (item, customer) = (app.item_at(50, 900).await, app.customer().await);
        let mut stage = Self { app, customer, item, order: String::new(), intent: String::new() };
        stage.begin().await;
        stage
    }

    /// Another order whose card payment has begun.
    async fn begin(&mut self) {
        let order = self.customer.order(&[(self.item, 1)]).await.expect(201);
        order["id"].as_str().unwrap().clone_into(&mut self.order);
        let path = format!("/v1/orders/{}/payments", self.order);
        let payment = self.customer.post(&path, &json!({ "method": "card" })).await.expect(201);
        let secret = payment["client_secret"].as_str().unwrap();
        secret.split("_secret").next().unwrap().clone_into(&mut self.intent);
    }

    async fn pay(&self) {
        let paid = json!({ "id": self.intent, "amount": 900, "amount_received": 900, "currency": "eur" });
        self.report("payment_intent.succeeded", 0, &paid).await;
    }

    /// Sends an event that was created `age` seconds ago, and waits until it is handled.
    async fn report(&self, kind: &str, age: i64, object: &Value) {
        let now = chrono::Utc::now().timestamp();
        let id = format!("evt_{}", Uuid::now_v7().simple());
        let event =
            json!({ "id": id, "object": "event", "type": kind, "created": now - age, "data": { "object": object } });
        assert_eq!(self.send(&event.to_string()).await, 200, "{kind}");
        self.until_handled(&id).await;
    }

    async fn send(&self, body: &str) -> u16 {
        let gateway = self.app.anonymous();
        let signature = signed(body, chrono::Utc::now().timestamp());
        let request = gateway.request(Method::POST, "/v1/webhooks/stripe").header("stripe-signature", signature);
        Client::send(request.header("content-type", "application/json").body(body.to_owned())).await.status
    }

    async fn until_handled(&self, id: &str) {
        let (tables, begin) = (self.app.database.client().await, Instant::now());
        let handled = "SELECT handled_at IS NOT NULL FROM gateway_events WHERE id = $1";
        while !tables.query_one(handled, &[&id]).await.unwrap().get::<_, bool>(0) {
            assert!(begin.elapsed() < Duration::from_secs(10), "nobody handles {id}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn payment(&self) -> Value {
        let order = self.app.admin.get(&format!("/v1/orders/{}?include=payments", self.order)).await.expect(200);
        let payments = order["payments"].as_array().unwrap();
        assert_eq!(payments.len(), 1, "{payments:?}");
        payments[0].clone()
    }

    async fn status(&self) -> (String, i64) {
        let payment = self.payment().await;
        (payment["status"].as_str().unwrap().to_owned(), payment["refunded"]["amount"].as_i64().unwrap_or_default())
    }

    fn refund(&self, id: &str, amount: i64, status: &str) -> Value {
        json!({ "id": id, "object": "refund", "amount": amount, "currency": "eur", "payment_intent": self.intent,
                "charge": "ch_1", "status": status })
    }

    fn charge(&self, refunded: i64) -> Value {
        json!({ "id": "ch_1", "object": "charge", "amount": 900, "amount_refunded": refunded, "currency": "eur",
                "payment_intent": self.intent })
    }

    /// What came in and what went back today, by the analytics.
    async fn books(&self) -> (i64, i64) {
        self.books_of(0).await
    }

    /// The same of the day so many days ago.
    async fn books_of(&self, days: i64) -> (i64, i64) {
        let to = chrono::Utc::now() - chrono::TimeDelta::days(days);
        let from = to - chrono::TimeDelta::days(1) + chrono::TimeDelta::minutes(5);
        let at = |moment: chrono::DateTime<chrono::Utc>| moment.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let path = format!("/v1/analytics/sales?from={}&to={}", at(from), at(to + chrono::TimeDelta::minutes(5)));
        let sales = self.app.admin.get(&path).await.expect(200);
        let sum = |of: &str| {
            sales["data"].as_array().unwrap().iter().map(|row| row[of]["amount"].as_i64().unwrap()).sum::<i64>()
        };
        (sum("paid"), sum("refunded"))
    }

    async fn cancel(&self) {
        self.customer.post(&format!("/v1/orders/{}/cancel", self.order), &json!({})).await.expect(200);
    }

    /// The refund that a rule of ours has decided, once the gateway has made it.
    async fn own_refund(&self) -> Uuid {
        let (tables, begin) = (self.app.database.client().await, Instant::now());
        let ours = "SELECT r.id FROM refunds r JOIN payments p ON p.id = r.payment_id \
                    WHERE p.order_id = $1::text::uuid AND r.status = 'succeeded' AND r.gateway_id IS NULL";
        loop {
            if let Some(row) = tables.query_opt(ours, &[&self.order]).await.unwrap() {
                return row.get(0);
            }
            assert!(begin.elapsed() < Duration::from_secs(10), "nothing is refunded");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn refund_of_ours(&self, refund: Uuid, amount: i64, status: &str) -> Value {
        let mut object = self.refund(&format!("re_{}", refund.simple()), amount, status);
        object["metadata"] = json!({ "refund_id": refund });
        object
    }

    async fn audited(&self) -> Vec<String> {
        let log = self.app.admin.get("/v1/admin/audit-log?limit=100").await.expect(200);
        let entries = log["data"].as_array().unwrap().iter();
        entries.filter_map(|entry| entry["action"].as_str().map(str::to_owned)).collect()
    }

    async fn close(self) {
        self.app.assert_sound();
        self.app.close().await;
    }
}

fn signed(body: &str, seconds: i64) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{seconds}.{body}").as_bytes());
    format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn another_amount_or_currency_than_was_asked_for_does_not_count_as_paid() {
    let mut stage = Stage::open().await;
    for (received, currency) in [(100, "eur"), (900, "usd"), (1000, "eur")] {
        let paid = json!({ "id": stage.intent, "amount": 900, "amount_received": received, "currency": currency });
        for _ in 0..2 {
            stage.report("payment_intent.succeeded", 0, &paid).await;
        }
        let payment = stage.payment().await;
        assert_eq!(payment["status"], "pending", "{received} {currency}");
        let incidents = payment["incidents"].as_array().unwrap();
        assert_eq!(incidents.len(), 1, "{incidents:?}");
        let amount = json!({ "amount": received, "currency": currency.to_uppercase() });
        assert_eq!((&incidents[0]["kind"], &incidents[0]["amount"]), (&json!("mismatch"), &amount));
        // The order can be paid in another way.
        let path = format!("/v1/orders/{}/payments", stage.order);
        stage.customer.post(&path, &json!({ "method": "counter" })).await.expect(201);
        stage.begin().await;
    }
    let mismatches = stage.audited().await.iter().filter(|action| *action == "payment.mismatched").count();
    assert_eq!(mismatches, 3);
    let log = stage.app.servers[0].log().join("\n");
    assert!(log.contains("the gateway received another amount than was asked for"));

    stage.pay().await;
    assert_eq!(stage.status().await, ("succeeded".to_owned(), 0));
    assert!(stage.payment().await.get("incidents").is_none());
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_made_at_the_gateway_are_in_our_books_once_in_whatever_order_they_are_reported() {
    let mut stage = Stage::open().await;
    let orders = [
        [0, 1, 2, 3, 4, 5, 6],
        [6, 5, 4, 3, 2, 1, 0],
        [0, 6, 1, 4, 5, 2, 3],
        [6, 0, 2, 4, 5, 3, 1],
        [4, 6, 1, 5, 0, 3, 2],
        [2, 6, 0, 3, 4, 1, 5],
        [5, 6, 1, 3, 0, 2, 4],
    ];
    for order in orders {
        stage.pay().await;
        let (first, second) = (format!("re_1{}", stage.intent), format!("re_2{}", stage.intent));
        let third = format!("re_3{}", stage.intent);
        let events = [
            ("charge.refunded", stage.charge(300)),
            ("refund.created", stage.refund(&first, 300, "succeeded")),
            ("charge.refunded", stage.charge(400)),
            ("refund.created", stage.refund(&second, 100, "pending")),
            ("charge.refunded", stage.charge(450)),
            ("refund.created", stage.refund(&third, 50, "succeeded")),
            ("refund.failed", stage.refund(&third, 50, "failed")),
        ];
        for _ in 0..2 {
            for number in order {
                let (kind, object) = &events[number];
                stage.report(kind, 0, object).await;
            }
        }
        // A server of the previous release makes what is pending and not taken.
        let due =
            "SELECT count(*) FROM refunds WHERE status = 'pending' AND (taken_until IS NULL OR taken_until < now())";
        assert_eq!(stage.app.database.number(due).await, 0, "{order:?}");
        stage.report("refund.updated", 0, &stage.refund(&second, 100, "succeeded")).await;
        assert_eq!(stage.status().await, ("partly_refunded".to_owned(), 400), "{order:?}");
        let refunds = "SELECT count(*), sum(r.amount)::bigint FROM refunds r JOIN payments p ON p.id = r.payment_id \
                       WHERE p.order_id = $1::text::uuid AND r.status = 'succeeded'";
        let row = stage.app.database.client().await.query_one(refunds, &[&stage.order]).await.unwrap();
        assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (2, 400), "{order:?}");
        stage.begin().await;
    }

    // Of one that only the total tells, too; the rest is refunded here, and no more than that.
    stage.pay().await;
    stage.report("charge.refunded", 0, &stage.charge(300)).await;
    assert_eq!(stage.status().await, ("partly_refunded".to_owned(), 300));
    stage.customer.post(&format!("/v1/orders/{}/cancel", stage.order), &json!({})).await.expect(200);
    let begin = Instant::now();
    while stage.status().await != ("refunded".to_owned(), 900) {
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", stage.status().await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(stage.audited().await.contains(&"payment.refunded".to_owned()));
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_fails_weeks_after_it_succeeded_is_noticed() {
    let mut stage = Stage::open().await;
    stage.pay().await;
    stage.report("refund.created", 0, &stage.refund("re_1", 900, "succeeded")).await;
    assert_eq!(stage.status().await, ("refunded".to_owned(), 900));
    for _ in 0..2 {
        stage.report("refund.failed", 0, &stage.refund("re_1", 900, "failed")).await;
    }
    assert_eq!(stage.status().await, ("succeeded".to_owned(), 0), "the money is here again");
    stage.report("refund.updated", 0, &stage.refund("re_1", 900, "succeeded")).await;
    assert_eq!(stage.status().await, ("succeeded".to_owned(), 0), "an older report");

    // One of ours, of an order that was cancelled.
    stage.begin().await;
    stage.pay().await;
    stage.cancel().await;
    let ours = stage.own_refund().await;
    assert_eq!(stage.status().await, ("refunded".to_owned(), 900));
    stage.report("refund.failed", 0, &stage.refund_of_ours(ours, 900, "failed")).await;
    assert_eq!(stage.status().await, ("succeeded".to_owned(), 0));
    // Its total is reported late: that is no other refund.
    stage.report("charge.refunded", 0, &stage.charge(900)).await;
    assert_eq!(stage.status().await, ("succeeded".to_owned(), 0));
    assert_eq!(stage.books().await, (1800, 0));
    let failures = stage.audited().await.iter().filter(|action| *action == "payment.refund_failed").count();
    assert_eq!(failures, 2);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn disputes_are_shown_to_staff_as_they_stand() {
    let stage = Stage::open().await;
    stage.pay().await;
    let dispute = |status: &str| {
        json!({ "id": "dp_1", "object": "dispute", "amount": 900, "currency": "eur", "charge": "ch_1",
                "payment_intent": stage.intent, "status": status, "reason": "fraudulent" })
    };
    let shown = async || stage.payment().await["incidents"][0].clone();
    // The first event comes last.
    stage.report("charge.dispute.funds_withdrawn", 50, &dispute("needs_response")).await;
    stage.report("charge.dispute.updated", 40, &dispute("under_review")).await;
    stage.report("charge.dispute.created", 60, &dispute("needs_response")).await;
    let incident = shown().await;
    assert_eq!((&incident["kind"], &incident["status"]), (&json!("dispute"), &json!("under_review")));
    assert_eq!((&incident["withdrawn"], &incident["reason"]), (&json!(true), &json!("fraudulent")));
    for _ in 0..2 {
        stage.report("charge.dispute.closed", 20, &dispute("won")).await;
        stage.report("charge.dispute.funds_reinstated", 10, &dispute("won")).await;
        stage.report("charge.dispute.updated", 30, &dispute("under_review")).await;
    }
    let incident = shown().await;
    assert_eq!((&incident["status"], &incident["withdrawn"]), (&json!("won"), &json!(false)));
    assert_eq!(stage.status().await, ("succeeded".to_owned(), 0), "the bank decides, not we");
    assert!(stage.audited().await.contains(&"payment.disputed".to_owned()));

    // Whoever disputes it need not be told what staff see.
    let path = format!("/v1/orders/{}?include=payments", stage.order);
    let shown = stage.customer.get(&path).await.expect(200);
    assert_eq!((shown["payments"].as_array().unwrap().len(), shown["payments"][0].get("incidents")), (1, None));
    let listed = stage.customer.get("/v1/orders?include=payments").await.expect(200);
    assert_eq!(listed["data"][0]["payments"][0].get("incidents"), None);

    // Of an intent that is not ours.
    let other = json!({ "id": "dp_2", "amount": 900, "currency": "eur", "payment_intent": "pi_other",
                        "status": "needs_response", "reason": "fraudulent" });
    stage.report("charge.dispute.created", 0, &other).await;
    assert_eq!(stage.payment().await["incidents"].as_array().unwrap().len(), 1);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thin_events_and_unknown_kinds_are_accepted_and_kept_for_a_server_that_knows_them() {
    let stage = Stage::open().await;
    let thin = json!({ "id": "evt_thin", "object": "v2.core.event", "type": "v1.billing.meter.no_meter_found",
                       "livemode": false, "created": "2026-10-22T16:26:54.063Z",
                       "related_object": { "id": "mtr_1", "type": "billing.meter" } });
    assert_eq!(stage.send(&thin.to_string()).await, 200);
    stage.until_handled("evt_thin").await;
    let tables = stage.app.database.client().await;
    let row = tables.query_one("SELECT unknown_kind FROM gateway_events WHERE id = 'evt_thin'", &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "v1.billing.meter.no_meter_found");

    // As if a server of an older release had not known that payments can succeed.
    let paid = json!({ "id": "evt_paid", "object": "event", "type": "payment_intent.succeeded",
                       "created": chrono::Utc::now().timestamp(), "data": { "object": { "id": stage.intent } } });
    let insert = "INSERT INTO gateway_events (id, received_at, handled_at, unknown_kind, body) \
                  VALUES ('evt_paid', now(), now(), 'payment_intent.succeeded', $1)";
    tables.execute(insert, &[&paid.to_string()]).await.unwrap();
    let begin = Instant::now();
    while stage.status().await.0 != "succeeded" {
        assert!(begin.elapsed() < Duration::from_secs(10), "nobody handles what is known by now");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_always_fails_stops_no_other_event_and_no_overdue_order() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let metrics = format!("127.0.0.1:{port}");
    let settings = [
        ("MODE", "development"),
        ("PAYMENT_GATEWAY", "offline"),
        ("STRIPE_WEBHOOK_SECRETS", SECRET),
        ("METRICS_ADDR", &metrics),
        ("PAYMENT_WINDOW_SECONDS", "1"),
    ];
    let app = TestApp::with_servers(1, &settings).await;
    let (item, customer) = (app.item_at(50, 900).await, app.customer().await);
    let mut stage = Stage { app, customer, item, order: String::new(), intent: String::new() };
    let tables = stage.app.database.client().await;
    // The oldest overdue order, and the payment of the oldest event, cannot be written.
    let refuse = |table: &str, column: &str| {
        format!(
            "CREATE FUNCTION refuse_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
               IF NEW.{column} = (SELECT id FROM orders ORDER BY created_at, id LIMIT 1) \
                 AND NEW.status <> OLD.status THEN RAISE 'it always fails'; END IF; \
               RETURN NEW; END $$; \
             CREATE TRIGGER refuse BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_{table}()"
        )
    };
    tables.batch_execute(&refuse("orders", "id")).await.unwrap();
    tables.batch_execute(&refuse("payments", "order_id")).await.unwrap();
    stage.begin().await;
    let (poisoned, poisoned_intent) = (stage.order.clone(), stage.intent.clone());
    let paid = json!({ "id": "evt_poisoned", "object": "event", "type": "payment_intent.succeeded",
                       "created": chrono::Utc::now().timestamp(), "data": { "object": { "id": poisoned_intent } } });
    assert_eq!(stage.send(&paid.to_string()).await, 200);

    for _ in 0..3 {
        stage.begin().await;
        let begin = Instant::now();
        let shown = format!("/v1/orders/{}", stage.order);
        while stage.customer.get(&shown).await.expect(200)["status"] != "cancelled" {
            assert!(begin.elapsed() < Duration::from_secs(10), "an overdue order is not cancelled");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // It comes too late, and goes back.
        stage.pay().await;
        while stage.status().await.0 != "refunded" {
            assert!(begin.elapsed() < Duration::from_secs(20), "a payment is not refunded");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let found = stage.customer.get(&format!("/v1/orders/{poisoned}")).await.expect(200);
    assert_eq!(found["status"], "pending");
    let row = "SELECT attempts FROM gateway_events WHERE id = 'evt_poisoned' AND handled_at IS NULL";
    assert!(tables.query_one(row, &[]).await.unwrap().get::<_, i32>(0) >= 1);
    let metrics = Client::anonymous(&format!("http://{metrics}")).get("/metrics").await.text;
    let failures = metrics.lines().find_map(|line| {
        line.strip_prefix("comanda_payment_work_failures_total{duty=\"events\"} ")?.parse::<f64>().ok()
    });
    assert!(failures.is_some_and(|failures| failures >= 1.0), "{metrics}");

    // Mended, it is done.
    tables
        .batch_execute(
            "DROP TRIGGER refuse ON orders; DROP TRIGGER refuse ON payments; \
             UPDATE gateway_events SET taken_until = NULL",
        )
        .await
        .unwrap();
    stage.until_handled("evt_poisoned").await;
    stage.app.close().await;
}
