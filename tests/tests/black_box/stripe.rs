//! Payments through a third-party, stateful fake of Stripe, over a network that loses requests and responses: a
//! customer is charged at most once, and in the end the states agree.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use comanda_tests::{Client, Loss, LossyGateway, PythonProgram, TestApp};
use serde_json::{Value, json};
use uuid::Uuid;

const KEY: &str = "sk_test_of_nobody";

struct Stage {
    app: TestApp,
    stripe: PythonProgram,
    way: LossyGateway,
    item: Uuid,
    customer: Client,
}

impl Stage {
    /// Breakers have tests of their own.
    async fn open() -> Self {
        Self::with_breaker("minimum_calls=1000").await
    }

    async fn with_breaker(breaker: &str) -> Self {
        Self::in_currency("EUR", breaker).await
    }

    async fn in_currency(currency: &str, breaker: &str) -> Self {
        let stripe = PythonProgram::localstripe();
        let way = LossyGateway::to(&stripe.address).await;
        let settings = [
            // Stripe is a program of the tests, without TLS.
            ("MODE", "development"),
            ("PAYMENT_GATEWAY", "stripe"),
            ("STRIPE_SECRET_KEY", KEY),
            ("STRIPE_WEBHOOK_SECRETS", "whsec_of_the_endpoint"),
            ("STRIPE_API_URL", way.url.as_str()),
            ("STRIPE_TIMEOUT_MS", "500"),
            ("BREAKER_STRIPE", breaker),
            ("CURRENCY", currency),
        ];
        let app = TestApp::with_servers(1, &settings).await;
        let (item, customer) = (app.item_in(currency, 100, 1250).await, app.customer().await);
        let stage = Self { app, stripe, way, item, customer };
        let url = format!("{}/v1/webhooks/stripe", stage.app.servers[0].base_url);
        stage.post("/_config/webhooks/comanda", &[("url", &url), ("secret", "whsec_of_the_endpoint")]).await;
        stage
    }

    /// Sends a request to Stripe directly, as a customer's browser does.
    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let request = reqwest::Client::new().post(format!("http://{}{path}", self.stripe.address)).bearer_auth(KEY);
        let body: Vec<String> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body.join("&"));
        serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap_or(Value::Null)
    }

    async fn get(&self, path: &str) -> Value {
        let request = reqwest::Client::new().get(format!("http://{}{path}", self.stripe.address)).bearer_auth(KEY);
        serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
    }

    async fn order(&self) -> String {
        self.order_of(self.item).await
    }

    async fn order_of(&self, item: Uuid) -> String {
        let order = self.customer.order(&[(item, 1)]).await.expect(201);
        order["id"].as_str().unwrap().to_owned()
    }

    /// Repeats the request, as a customer does whose first attempt got a 503.
    async fn pay(&self, order: &str) -> String {
        let begin = Instant::now();
        loop {
            let response =
                self.customer.post(&format!("/v1/orders/{order}/payments"), &json!({ "method": "card" })).await;
            if response.status == 201 {
                let secret = response.json()["client_secret"].as_str().unwrap().to_owned();
                return secret.split("_secret").next().unwrap().to_owned();
            }
            assert_eq!(response.problem(), (503, "unavailable".to_owned()));
            assert!(begin.elapsed() < Duration::from_secs(20), "no payment begins");
        }
    }

    async fn confirm(&self, intent: &str, number: &str) -> Value {
        let card = [
            ("type", "card"),
            ("card[number]", number),
            ("card[exp_month]", "12"),
            ("card[exp_year]", "2040"),
            ("card[cvc]", "123"),
        ];
        let method = self.post("/v1/payment_methods", &card).await;
        let method = method["id"].as_str().unwrap().to_owned();
        self.post(&format!("/v1/payment_intents/{intent}"), &[("payment_method", &method)]).await;
        self.post(&format!("/v1/payment_intents/{intent}/confirm"), &[]).await
    }

    async fn until(&self, order: &str, status: &str) {
        let begin = Instant::now();
        loop {
            let order = self.customer.get(&format!("/v1/orders/{order}?include=payments")).await.expect(200);
            let payments = order["payments"].as_array().unwrap();
            if payments.iter().any(|payment| payment["status"] == status) {
                assert_eq!(payments.len(), 1, "{payments:?}");
                return;
            }
            // A task whose server lost it is taken up again after half a minute.
            assert!(begin.elapsed() < Duration::from_mins(1), "no payment gets {status}: {payments:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn cancel(&self, order: &str) {
        self.customer.post(&format!("/v1/orders/{order}/cancel"), &json!({})).await.expect(200);
    }

    async fn refunds_of(&self, intent: &str) -> Vec<i64> {
        let refunds = self.get(&format!("/v1/refunds?payment_intent={intent}")).await;
        refunds["data"].as_array().unwrap().iter().map(|refund| refund["amount"].as_i64().unwrap()).collect()
    }

    fn reconcile(&self, currency: &str) -> (bool, String) {
        let mut command = comanda_tests::comanda(&self.app.database.server_url, "redis://nowhere");
        let output = command
            .args(["payments", "reconcile", "--days", "1"])
            .env("MODE", "development")
            .env("CURRENCY", currency)
            .env("PAYMENT_GATEWAY", "stripe")
            .env("STRIPE_SECRET_KEY", KEY)
            .env("STRIPE_WEBHOOK_SECRETS", "whsec_of_the_endpoint")
            .env("STRIPE_API_URL", &self.way.url)
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    }

    async fn close(self) {
        self.app.assert_sound();
        self.app.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_pays_or_is_declined_and_is_refunded() {
    let stage = Stage::open().await;
    let order = stage.order().await;
    let intent = stage.pay(&order).await;
    assert_eq!(stage.get(&format!("/v1/payment_intents/{intent}")).await["amount"], 1250);
    stage.confirm(&intent, "4000000000000341").await;
    stage.until(&order, "failed").await;
    // In this fake, a declined payment stays declined.
    stage.cancel(&order).await;

    let order = stage.order().await;
    let intent = stage.pay(&order).await;
    stage.confirm(&intent, "4242424242424242").await;
    stage.until(&order, "succeeded").await;
    stage.cancel(&order).await;
    stage.until(&order, "refunded").await;
    assert_eq!(stage.refunds_of(&intent).await, [1250]);

    // An order that was cancelled unpaid cannot be paid any more.
    let order = stage.order().await;
    let intent = stage.pay(&order).await;
    stage.cancel(&order).await;
    let begin = Instant::now();
    while stage.get(&format!("/v1/payment_intents/{intent}")).await["status"] != "canceled" {
        assert!(begin.elapsed() < Duration::from_secs(20), "the intent stays open");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_network_loses_a_customer_is_charged_once_and_refunded_once() {
    let stage = Stage::open().await;
    for loss in [
        Loss::Answered(429),
        Loss::Answered(500),
        Loss::ResetBefore,
        Loss::ResetAfter,
        Loss::TimeoutBefore,
        Loss::TimeoutAfter,
    ] {
        let order = stage.order().await;
        let losses = AtomicUsize::new(0);
        // The first two requests of each kind that changes something are lost.
        stage.way.lose(move |method, _| match method == "POST" && losses.fetch_add(1, Ordering::SeqCst) < 2 {
            true => loss,
            false => Loss::None,
        });
        let intent = stage.pay(&order).await;
        stage.confirm(&intent, "4242424242424242").await;
        stage.until(&order, "succeeded").await;
        let lost = AtomicBool::new(false);
        stage.way.lose(move |method, path| {
            let first = method == "POST" && path == "/v1/refunds" && !lost.swap(true, Ordering::SeqCst);
            if first { loss } else { Loss::None }
        });
        stage.cancel(&order).await;
        // Repeat requests to the gateway at once rather than after half a minute.
        let tables = stage.app.database.client().await;
        let begin = Instant::now();
        while tables
            .query_one("SELECT count(*) FROM refunds WHERE status = 'pending'", &[])
            .await
            .unwrap()
            .get::<_, i64>(0)
            > 0
        {
            tables
                .execute("UPDATE refunds SET taken_until = NULL WHERE taken_until < now() + interval '29 seconds'", &[])
                .await
                .unwrap();
            assert!(begin.elapsed() < Duration::from_secs(30), "{loss:?}: the refund is not made");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stage.until(&order, "refunded").await;
        assert_eq!(stage.refunds_of(&intent).await, [1250], "{loss:?}");
    }
    // Only intents whose secret the customer was given were ever charged.
    let charges = stage.get("/v1/charges?limit=100").await;
    let paid = charges["data"].as_array().unwrap().iter().filter(|charge| charge["status"] == "succeeded").count();
    assert_eq!(paid, 6);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reconciliation_finds_what_no_event_reported() {
    let stage = Stage::open().await;
    // No webhook arrives.
    let nowhere = [("url", "http://127.0.0.1:1/"), ("secret", "whsec_of_the_endpoint")];
    stage.post("/_config/webhooks/comanda", &nowhere).await;
    let order = stage.order().await;
    let intent = stage.pay(&order).await;
    stage.confirm(&intent, "4242424242424242").await;

    let (agreed, report) = stage.reconcile("EUR");
    assert!(!agreed && report.contains("the gateway says Succeeded") && report.contains("; repaired"), "{report}");
    stage.until(&order, "succeeded").await;
    let (agreed, report) = stage.reconcile("EUR");
    assert!(agreed && report.contains("1 card payment(s) compared, 0 differ"), "{report}");

    // Somebody refunds a part of it on the dashboard.
    stage.post("/v1/refunds", &[("payment_intent", &intent), ("amount", "300")]).await;
    let (agreed, report) = stage.reconcile("EUR");
    assert!(!agreed && report.contains("300 given back") && report.contains("; repaired"), "{report}");
    stage.until(&order, "partly_refunded").await;
    let (agreed, report) = stage.reconcile("EUR");
    assert!(agreed && report.contains("1 card payment(s) compared, 0 differ"), "{report}");
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_stripe_fails_its_breaker_is_open_and_orders_go_on() {
    let stage = Stage::with_breaker("minimum_calls=5 first_wait_ms=4000 longest_wait_ms=4000 probes=1").await;
    let (order, asked) = (stage.order().await, Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&asked);
    stage.way.lose(move |_, _| {
        count.fetch_add(1, Ordering::SeqCst);
        Loss::Answered(500)
    });
    let pay = async || {
        let card = json!({ "method": "card" });
        let response = stage.customer.post(&format!("/v1/orders/{order}/payments"), &card).await;
        assert_eq!((response.problem().0, &response.json()["operation"]), (503, &json!("stripe")));
        response
    };
    let mut attempts = 0;
    while !stage.app.servers[0].has_left_alone("stripe") {
        pay().await;
        attempts += 1;
        assert!(attempts < 20, "it is attempted for ever");
    }
    let before = asked.load(Ordering::SeqCst);
    assert!(pay().await.header("retry-after").is_some());
    assert_eq!(asked.load(Ordering::SeqCst), before, "nobody asks");

    let other = stage.order().await;
    let counter = json!({ "method": "counter" });
    stage.customer.post(&format!("/v1/orders/{other}/payments"), &counter).await.expect(201);
    stage.way.lose(|_, _| Loss::None);
    let intent = stage.pay(&order).await;
    stage.confirm(&intent, "4242424242424242").await;
    stage.until(&order, "succeeded").await;
    stage.close().await;
}

/// The permanent errors of <https://docs.stripe.com/api/errors> and <https://docs.stripe.com/error-codes>.
const REFUSALS: [Loss; 10] = [
    Loss::Refused(400, "invalid_request_error", "amount_too_small"),
    Loss::Refused(400, "invalid_request_error", "amount_too_large"),
    Loss::Refused(400, "invalid_request_error", "parameter_invalid_string_empty"),
    Loss::Refused(400, "invalid_request_error", "country_unsupported"),
    Loss::Refused(400, "idempotency_error", ""),
    Loss::Refused(402, "card_error", "card_declined"),
    Loss::Refused(404, "invalid_request_error", "resource_missing"),
    Loss::Refused(401, "invalid_request_error", "api_key_expired"),
    Loss::Refused(403, "invalid_request_error", ""),
    Loss::Answered(400),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_stripe_refuses_for_good_can_be_paid_in_another_way_and_opens_no_breaker() {
    let stage = Stage::with_breaker("minimum_calls=3 first_wait_ms=60000 longest_wait_ms=60000").await;
    for refusal in REFUSALS {
        let order = stage.order().await;
        let before = stage.customer.get(&format!("/v1/orders/{order}")).await.expect(200);
        stage.way.lose(move |_, _| refusal);
        let path = format!("/v1/orders/{order}/payments");
        for _ in 0..2 {
            let response = stage.customer.post(&path, &json!({ "method": "card" })).await;
            assert_eq!(response.problem(), (422, "payment-refused".to_owned()), "{refusal:?}");
            assert_eq!(response.pointers(), ["/method"], "{refusal:?}");
            assert!(!response.text.contains("by rule"), "it may be about us: {}", response.text);
        }
        let shown = stage.customer.get(&format!("/v1/orders/{order}?include=payments")).await.expect(200);
        let open = |payment: &&Value| payment["status"] != "cancelled";
        assert_eq!(shown["payments"].as_array().unwrap().iter().find(open), None, "{refusal:?}");
        let after = stage.customer.get(&format!("/v1/orders/{order}")).await.expect(200);
        assert_eq!(after, before, "{refusal:?}");

        // What another payment had replaced is open again, and settled as if nothing had happened.
        let counter = stage.customer.post(&path, &json!({ "method": "counter" })).await.expect(201);
        let response = stage.customer.post(&path, &json!({ "method": "card" })).await;
        assert_eq!(response.problem(), (422, "payment-refused".to_owned()), "{refusal:?}");
        let settle = format!("{path}/{}/settle", counter["id"].as_str().unwrap());
        stage.app.admin.post(&settle, &json!({})).await.expect(200);
    }
    assert!(!stage.app.servers[0].has_left_alone("stripe"));
    // Nobody asks the gateway to cancel what it has refused.
    let tables = stage.app.database.client().await;
    let waiting = tables.query_one("SELECT count(*) FROM payments WHERE call_off", &[]).await.unwrap();
    assert_eq!(waiting.get::<_, i64>(0), 0);
    stage.way.lose(|_, _| Loss::None);
    let order = stage.order().await;
    let intent = stage.pay(&order).await;
    stage.confirm(&intent, "4242424242424242").await;
    stage.until(&order, "succeeded").await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_given_up_for_the_sake_of_our_key_of_the_way_there_or_of_an_empty_account() {
    let stage = Stage::open().await;
    let tables = stage.app.database.client().await;
    for refusal in [
        Loss::Refused(404, "invalid_request_error", "resource_missing"),
        Loss::Stored(400, "invalid_request_error", "balance_insufficient"),
        Loss::Stored(500, "api_error", ""),
        Loss::Answered(400),
    ] {
        let (paid, unpaid) = (stage.order().await, stage.order().await);
        let (intent, open) = (stage.pay(&paid).await, stage.pay(&unpaid).await);
        stage.confirm(&intent, "4242424242424242").await;
        stage.until(&paid, "succeeded").await;
        let asked = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
        let count = Arc::clone(&asked);
        stage.way.lose(move |method, path| match (method, path) {
            ("POST", "/v1/refunds") => {
                count.0.fetch_add(1, Ordering::SeqCst);
                refusal
            }
            ("POST", _) if path.ends_with("/cancel") => {
                count.1.fetch_add(1, Ordering::SeqCst);
                refusal
            }
            _ => Loss::None,
        });
        stage.cancel(&paid).await;
        stage.cancel(&unpaid).await;
        let begin = Instant::now();
        let again = "UPDATE refunds SET taken_until = NULL WHERE status = 'pending'";
        let cancel_again = "UPDATE payments SET taken_until = NULL WHERE call_off";
        while asked.0.load(Ordering::SeqCst) == 0 || asked.1.load(Ordering::SeqCst) == 0 {
            assert!(begin.elapsed() < Duration::from_secs(20), "{refusal:?}: nobody asks");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stage.way.lose(|_, _| Loss::None);
        while stage.refunds_of(&intent).await.is_empty()
            || stage.get(&format!("/v1/payment_intents/{open}")).await["status"] != "canceled"
        {
            assert!(begin.elapsed() < Duration::from_secs(30), "{refusal:?}: it was given up");
            tables.execute(again, &[]).await.unwrap();
            tables.execute(cancel_again, &[]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stage.until(&paid, "refunded").await;
        assert_eq!(stage.refunds_of(&intent).await, [1250], "{refusal:?}");
    }
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_stripe_repeats_for_a_day_keeps_nobody_from_paying() {
    let stage = Stage::open().await;
    let order = stage.order().await;
    stage.way.lose(|_, _| Loss::Stored(500, "api_error", ""));
    let path = format!("/v1/orders/{order}/payments");
    let response = stage.customer.post(&path, &json!({ "method": "card" })).await;
    assert_eq!(response.problem().0, 503);
    stage.way.lose(|_, _| Loss::None);
    let response = stage.customer.post(&path, &json!({ "method": "card" })).await;
    let secret = response.expect(201)["client_secret"].as_str().unwrap().to_owned();
    let intent = secret.split("_secret").next().unwrap();
    stage.confirm(intent, "4242424242424242").await;
    stage.until(&order, "succeeded").await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_below_the_minimum_is_refused_before_stripe_is_asked() {
    let stage = Stage::open().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    stage.way.lose(move |method, _| {
        count.fetch_add(usize::from(method == "POST"), Ordering::SeqCst);
        Loss::None
    });
    let order = stage.order_of(stage.app.item_at(5, 49).await).await;
    let path = format!("/v1/orders/{order}/payments");
    let response = stage.customer.post(&path, &json!({ "method": "card" })).await;
    assert_eq!(response.problem(), (422, "payment-refused".to_owned()));
    assert_eq!(response.pointers(), ["/method"]);
    let shown = stage.customer.get(&format!("/v1/orders/{order}?include=payments")).await.expect(200);
    assert_eq!((&shown["payments"], &shown["status"]), (&json!([]), &json!("pending")));
    stage.customer.post(&path, &json!({ "method": "counter" })).await.expect(201);
    assert_eq!(asked.load(Ordering::SeqCst), 0);

    let order = stage.order_of(stage.app.item_at(5, 50).await).await;
    stage.pay(&order).await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    stage.close().await;
}

/// ISO 4217 counts no minor units of the króna, and Stripe a hundred; of the ariary Stripe counts none; of the dinar
/// it charges no single fils.
#[tokio::test(flavor = "multi_thread")]
async fn stripe_is_asked_for_its_own_units_and_what_comes_back_is_what_was_asked_for() {
    for (currency, price, units, fraction) in
        [("ISK", 500, 50_000, None), ("MGA", 50_000, 500, Some(50_050)), ("KWD", 5120, 5120, Some(5124))]
    {
        let stage = Stage::in_currency(currency, "minimum_calls=1000").await;
        let order = stage.order_of(stage.app.item_in(currency, 5, price).await).await;
        let intent = stage.pay(&order).await;
        let asked = stage.get(&format!("/v1/payment_intents/{intent}")).await;
        assert_eq!((&asked["amount"], &asked["currency"]), (&json!(units), &json!(currency.to_lowercase())));
        stage.confirm(&intent, "4242424242424242").await;
        stage.until(&order, "succeeded").await;
        let (agreed, report) = stage.reconcile(currency);
        assert!(agreed && report.contains("0 differ"), "{report}");
        stage.cancel(&order).await;
        stage.until(&order, "refunded").await;
        assert_eq!(stage.refunds_of(&intent).await, [units]);
        let (agreed, report) = stage.reconcile(currency);
        assert!(agreed && report.contains("0 differ"), "{report}");

        if let Some(price) = fraction {
            let order = stage.order_of(stage.app.item_in(currency, 5, price).await).await;
            let path = format!("/v1/orders/{order}/payments");
            let response = stage.customer.post(&path, &json!({ "method": "card" })).await;
            assert_eq!(response.problem(), (422, "payment-refused".to_owned()));
            stage.customer.post(&path, &json!({ "method": "counter" })).await.expect(201);
        }
        stage.close().await;
    }
}

#[tokio::test]
async fn a_currency_that_stripe_does_not_charge_is_a_mistake_in_the_configuration() {
    for (currency, accepted) in [("IQD", false), ("CLF", false), ("EUR", true), ("ISK", true)] {
        let output = comanda_tests::comanda("postgres://nowhere/nothing", "redis://nowhere")
            .args(["config", "check"])
            .env("CURRENCY", currency)
            .env("PAYMENT_GATEWAY", "stripe")
            .env("STRIPE_SECRET_KEY", KEY)
            .env("STRIPE_WEBHOOK_SECRETS", "whsec_of_the_endpoint")
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(!stderr.contains("Stripe does not charge"), accepted, "{currency}: {stderr}");
        assert!(accepted || !output.status.success(), "{currency}");
    }
}
