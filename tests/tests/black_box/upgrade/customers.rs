//! Orders and what is paid for them.

use comanda_tests::{Client, PASSWORD};
use futures_util::future::join;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::stage::{STRIPE_SECRET, Servers, Stage, post_twice, post_under_key, until};

/// A customer and an admin, at both servers.
struct Party {
    customer: [Client; 2],
    admin: [Client; 2],
    item: Uuid,
}

impl Party {
    async fn at(stage: &Stage, Servers { here, there }: Servers<'_>) -> Self {
        let email = stage.account(here).await;
        let customer = Client::anonymous(there).log_in(&email, PASSWORD).await;
        let admin = stage.admin(here).await;
        let item = stage.item(&admin).await;
        Self { customer: [customer.at(here), customer], admin: [admin.clone(), admin.at(there)], item }
    }

    async fn place(&self, stage: &Stage, quantity: i64) -> String {
        let [here, there] = &self.customer;
        let body = json!({ "items": [{ "menu_item_id": self.item, "quantity": quantity, "note": "please" }] });
        let order = post_twice(here, there, "/v1/orders", &body, 201).await;
        let id = order["id"].as_str().unwrap().to_owned();
        stage.placed(&id);
        stage.hold(self.item, quantity);
        id
    }

    async fn pay(&self, order: &str, method: &str) -> Value {
        let [here, there] = &self.customer;
        post_twice(here, there, &format!("/v1/orders/{order}/payments"), &json!({ "method": method }), 201).await
    }

    /// Pays at the gateway; returns its name for the payment.
    async fn pay_by_card(&self, stage: &Stage, order: &str) -> String {
        let payment = self.pay(order, "card").await;
        self.confirm(stage, order, &payment).await
    }

    async fn confirm(&self, stage: &Stage, order: &str, payment: &Value) -> String {
        let secret = payment["client_secret"].as_str().unwrap();
        let intent = secret.split("_secret").next().unwrap().to_owned();
        let card = [
            ("type", "card"),
            ("card[number]", "4242424242424242"),
            ("card[exp_month]", "12"),
            ("card[exp_year]", "2040"),
            ("card[cvc]", "123"),
        ];
        let method = stage.stripe("/v1/payment_methods", &card).await;
        let method = method["id"].as_str().unwrap().to_owned();
        stage.stripe(&format!("/v1/payment_intents/{intent}"), &[("payment_method", &method)]).await;
        stage.stripe(&format!("/v1/payment_intents/{intent}/confirm"), &[]).await;
        self.until_payment_is(order, "succeeded").await;
        intent
    }

    /// Both servers show it.
    async fn until_payment_is(&self, order: &str, status: &str) {
        for customer in &self.customer {
            let path = format!("/v1/orders/{order}?include=payments,items,customer");
            until(
                status,
                || customer.get(&path),
                |response| {
                    let payments = response.expect(200)["payments"].as_array().cloned().unwrap();
                    payments.iter().any(|payment| payment["status"] == status)
                },
            )
            .await;
        }
    }

    async fn cancel(&self, stage: &Stage, order: &str, quantity: i64) {
        let [here, there] = &self.customer;
        let body = json!({ "reason": "the rain" });
        let cancelled = post_twice(there, here, &format!("/v1/orders/{order}/cancel"), &body, 200).await;
        assert_eq!(cancelled["status"], "cancelled");
        stage.hold(self.item, -quantity);
    }

    /// The same request reaches both servers at the same time, as that of a client who has lost patience does.
    async fn cancel_at_both(&self, stage: &Stage, order: &str, quantity: i64) {
        let (path, key) = (format!("/v1/orders/{order}/cancel"), Uuid::now_v7().to_string());
        let body = json!({ "reason": "the rain" });
        let [here, there] = &self.customer;
        let (one, other) =
            join(post_under_key(here, &path, &key, &body), post_under_key(there, &path, &key, &body)).await;
        let (done, late): (Vec<_>, Vec<_>) = [one, other].into_iter().partition(|response| response.status == 200);
        assert!(done.iter().all(|response| response.text == done[0].text) && !done.is_empty(), "{done:?} {late:?}");
        for response in late {
            assert_eq!(response.problem(), (409, "idempotency-in-progress".to_owned()), "{response:?}");
        }
        stage.hold(self.item, -quantity);
    }

    async fn advance(&self, order: &str) {
        for (n, status) in ["accepted", "preparing", "ready", "completed"].into_iter().enumerate() {
            let path = format!("/v1/orders/{order}/status");
            let order = self.admin[n % 2].post(&path, &json!({ "status": status })).await.expect(200);
            assert_eq!(order["status"], status);
        }
    }
}

/// An order of every kind.
pub(super) async fn order(stage: &Stage, servers: Servers<'_>) {
    let party = Party::at(stage, servers).await;
    let [here, there] = &party.customer;

    let cancelled = party.place(stage, 3).await;
    party.cancel(stage, &cancelled, 3).await;

    for _ in 0..5 {
        let cancelled = party.place(stage, 1).await;
        party.cancel_at_both(stage, &cancelled, 1).await;
    }

    let eaten = party.place(stage, 2).await;
    party.pay_by_card(stage, &eaten).await;
    party.advance(&eaten).await;

    let refunded = party.place(stage, 1).await;
    let intent = party.pay_by_card(stage, &refunded).await;
    party.cancel(stage, &refunded, 1).await;
    party.until_payment_is(&refunded, "refunded").await;
    assert_eq!(stage.refunded_at_gateway(&intent).await, 990);

    let at_the_counter = party.place(stage, 2).await;
    let payment = party.pay(&at_the_counter, "counter").await;
    let payment = format!("/v1/orders/{at_the_counter}/payments/{}", payment["id"].as_str().unwrap());
    party.admin[1].post(&format!("{payment}/settle"), &json!({})).await.expect(200);
    let part = json!({ "amount": { "amount": 330, "currency": "EUR" }, "reason": "the soup was cold" });
    party.admin[0].post(&format!("{payment}/refunds"), &part).await.expect(201);
    party.until_payment_is(&at_the_counter, "partly_refunded").await;

    // A page of one server continues at the other.
    let first = here.get("/v1/orders?limit=2&include=items,payments").await.expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = there.get(&format!("/v1/orders?limit=100&cursor={cursor}")).await.expect(200);
    let ids = [&first, &rest].map(|page| page["data"].as_array().unwrap().clone()).concat();
    let ids: Vec<_> = ids.iter().map(|order| order["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 9, "{ids:?}");
    assert_eq!(ids[..3], [at_the_counter, refunded, eaten]);
    assert_eq!(ids[8], cancelled);
}

/// A customer begins to pay at a server of this release, which cannot reach the gateway, and tries again at others.
pub(super) async fn pay_where_the_gateway_is_reached(stage: &Stage, servers: Servers<'_>) {
    let party = Party::at(stage, servers).await;
    let order = party.place(stage, 1).await;
    let (path, key) = (format!("/v1/orders/{order}/payments"), Uuid::now_v7().to_string());
    let body = json!({ "method": "card" });
    let cut_off = stage.start_cut_off().await;
    let refused = post_under_key(&party.customer[0].at(&cut_off.base_url), &path, &key, &body).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    stage.stop("cut_off", cut_off).await;
    let [here, there] = &party.customer;
    let first = post_under_key(here, &path, &key, &body).await;
    let again = post_under_key(there, &path, &key, &body).await;
    assert_eq!((again.status, &again.text), (201, &first.text));
    party.confirm(stage, &order, &first.expect(201)).await;
}

/// A disputed payment, which the last release may know nothing of.
pub(super) async fn dispute(stage: &Stage, servers: Servers<'_>) {
    let party = Party::at(stage, servers).await;
    // Before, nobody leaves it for anybody.
    let is_recorded = stage.is_migrated();
    for server in [servers.here, servers.there] {
        let order = party.place(stage, 1).await;
        let intent = party.pay_by_card(stage, &order).await;
        let id = format!("dp_{}", Uuid::now_v7().simple());
        let dispute = json!({
            "id": id, "object": "dispute", "amount": 990, "currency": "eur", "payment_intent": intent,
            "charge": "ch_1", "status": "needs_response", "reason": "fraudulent",
        });
        report(server, "charge.dispute.created", &dispute).await;
        // A kind that nobody knows is nobody's trouble.
        report(server, "payout.paid", &json!({ "id": "po_1", "object": "payout" })).await;
        if is_recorded {
            stage.disputed(&id);
        }
    }
}

/// Sends an event, as the gateway does.
async fn report(base_url: &str, kind: &str, object: &Value) {
    use hmac::{Hmac, KeyInit, Mac};

    let (id, now) = (format!("evt_{}", Uuid::now_v7().simple()), chrono::Utc::now().timestamp());
    let event = json!({ "id": id, "object": "event", "type": kind, "created": now, "data": { "object": object } });
    let body = event.to_string();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(STRIPE_SECRET.as_bytes()).unwrap();
    mac.update(format!("{now}.{body}").as_bytes());
    let signature = format!("t={now},v1={}", hex::encode(mac.finalize().into_bytes()));
    let request = Client::anonymous(base_url).request(Method::POST, "/v1/webhooks/stripe");
    let request = request.header("stripe-signature", signature).header("content-type", "application/json").body(body);
    assert_eq!(Client::send(request).await.status, 200, "{kind}");
}
