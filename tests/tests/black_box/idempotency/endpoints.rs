//! What may be asked of every endpoint that takes a key.

use comanda_tests::{Client, PASSWORD, TestApp};
use serde_json::{Value, json};
use uuid::Uuid;

/// What may be asked of an endpoint. All requests are of one caller.
pub(super) struct Repeatable {
    /// As it is written in the OpenAPI document.
    pub(super) endpoint: &'static str,
    pub(super) caller: Client,
    pub(super) request: (String, Value),
    /// Is refused with this status, and leaves the key free.
    pub(super) refused: (String, Value, u16),
    /// Would be carried out under another key.
    pub(super) other: (String, Value),
    /// Changes what the first request led to.
    pub(super) afterwards: Option<(String, Value)>,
}

fn on(path: &str, verb: &str) -> String {
    format!("{path}/{verb}")
}

/// Orders and what else the requests are about.
pub(super) struct Evening {
    pub(super) app: TestApp,
    pub(super) customer: Client,
    pub(super) item: Uuid,
}

impl Evening {
    async fn order(&self) -> String {
        let order = self.customer.order(&[(self.item, 1)]).await.expect(201);
        format!("/v1/orders/{}", order["id"].as_str().unwrap())
    }

    /// A payment at the counter, which may be settled.
    async fn payment(&self, settled: bool) -> String {
        let order = self.order().await;
        let payment =
            self.customer.post(&format!("{order}/payments"), &json!({ "method": "counter" })).await.expect(201);
        let path = format!("{order}/payments/{}", payment["id"].as_str().unwrap());
        if settled {
            self.app.admin.post(&format!("{path}/settle"), &json!({})).await.expect(200);
        }
        path
    }

    async fn dead_letters(&self) -> Vec<i64> {
        let dead = "INSERT INTO outbox_retries (subscriber, event_id, stream_id, attempts, next_at, is_dead, last_error) \
            SELECT 'kitchen', id, subject_id, 3, now(), true, 'gone' FROM outbox_events \
            WHERE kind = 'order.placed' ORDER BY id DESC LIMIT 2 RETURNING id";
        self.app.database.client().await.query(dead, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    pub(super) async fn of_payments(&self) -> Vec<Repeatable> {
        let (admin, customer) = (&self.app.admin, &self.customer);
        let (paid, refunded) = (self.order().await, self.payment(true).await);
        let (settled, unsettled) = (self.payment(false).await, self.payment(false).await);
        let (nothing, nobody) = (json!({}), Uuid::nil());
        vec![
            Repeatable {
                endpoint: "/v1/orders/{id}/payments",
                caller: customer.clone(),
                request: (on(&paid, "payments"), json!({ "method": "card" })),
                refused: (format!("/v1/orders/{nobody}/payments"), json!({ "method": "card" }), 404),
                other: (on(&paid, "payments"), json!({ "method": "counter" })),
                afterwards: Some((on(&paid, "payments"), json!({ "method": "counter" }))),
            },
            Repeatable {
                endpoint: "/v1/orders/{id}/payments/{payment_id}/settle",
                caller: admin.clone(),
                request: (on(&settled, "settle"), nothing.clone()),
                refused: (format!("/v1/orders/{nobody}/payments/{nobody}/settle"), nothing.clone(), 404),
                other: (on(&unsettled, "settle"), nothing.clone()),
                afterwards: Some((on(&settled, "refunds"), json!({ "reason": "cold soup" }))),
            },
            Repeatable {
                endpoint: "/v1/orders/{id}/payments/{payment_id}/refunds",
                caller: admin.clone(),
                request: (
                    on(&refunded, "refunds"),
                    json!({ "amount": { "amount": 100, "currency": "EUR" }, "reason": "cold soup" }),
                ),
                refused: (
                    on(&refunded, "refunds"),
                    json!({ "amount": { "amount": 100_000, "currency": "EUR" }, "reason": "cold soup" }),
                    422,
                ),
                other: (on(&refunded, "refunds"), json!({ "reason": "cold soup" })),
                afterwards: Some((on(&refunded, "refunds"), json!({ "reason": "the rest" }))),
            },
        ]
    }

    /// Of what dishes are made of, and what can be chosen with them.
    pub(super) async fn of_ingredients(&self) -> Vec<Repeatable> {
        let admin = &self.app.admin;
        let supply = |name: &str| json!({ "name": name, "unit": "g", "stock": 3 });
        let group = |name: &str, options: &[&str]| {
            let options: Vec<Value> = options.iter().map(|name| json!({ "name": name })).collect();
            json!({ "name": name, "options": options })
        };
        let salt = admin.post("/v1/supplies", &supply("Salt")).await.expect(201);
        let salt = format!("/v1/supplies/{}", salt["id"].as_str().unwrap());
        let groups = || "/v1/menu/option-groups".to_owned();
        vec![
            Repeatable {
                endpoint: "/v1/menu/option-groups",
                caller: admin.clone(),
                request: (groups(), group("Size", &["Large"])),
                refused: (groups(), group("Size", &["Large", "LARGE"]), 422),
                other: (groups(), group("Extras", &[])),
                afterwards: None,
            },
            Repeatable {
                endpoint: "/v1/supplies",
                caller: admin.clone(),
                request: ("/v1/supplies".to_owned(), supply("Rice")),
                refused: ("/v1/supplies".to_owned(), supply("SALT"), 422),
                other: ("/v1/supplies".to_owned(), supply("Flour")),
                afterwards: None,
            },
            Repeatable {
                endpoint: "/v1/supplies/{id}/stock",
                caller: admin.clone(),
                request: (on(&salt, "stock"), json!({ "counted": 7, "reason": "stock-take" })),
                refused: (on(&salt, "stock"), json!({ "delta": -4, "reason": "breakage" }), 409),
                other: (on(&salt, "stock"), json!({ "counted": 8, "reason": "stock-take" })),
                afterwards: Some((on(&salt, "stock"), json!({ "delta": 5, "reason": "delivery" }))),
            },
        ]
    }

    /// Of the kitchen.
    pub(super) async fn of_the_kitchen(&self) -> Vec<Repeatable> {
        let admin = &self.app.admin;
        let stations = || "/v1/kitchen/stations".to_owned();
        let station = |name: &str, category: &str| json!({ "name": name, "categories": [category] });
        admin.post(&stations(), &station("Grill", "Tests")).await.expect(201);
        let order = self.order().await;
        admin.post(&on(&order, "status"), &json!({ "status": "accepted" })).await.expect(200);
        let tickets = admin.get("/v1/kitchen/tickets").await.expect(200);
        let ticket = format!("/v1/kitchen/tickets/{}", tickets["data"][0]["id"].as_str().unwrap());
        vec![
            Repeatable {
                endpoint: "/v1/kitchen/stations",
                caller: admin.clone(),
                request: (stations(), station("Bar", "Drinks")),
                refused: (stations(), station("Bar", "TESTS"), 409),
                other: (stations(), station("Bar", "Wines")),
                afterwards: None,
            },
            Repeatable {
                endpoint: "/v1/kitchen/tickets/{id}/state",
                caller: admin.clone(),
                request: (on(&ticket, "state"), json!({ "state": "cooking" })),
                refused: (on(&ticket, "state"), json!({ "state": "void" }), 409),
                other: (on(&ticket, "state"), json!({ "state": "ready" })),
                afterwards: Some((on(&ticket, "state"), json!({ "state": "ready" }))),
            },
        ]
    }

    /// The others.
    pub(super) async fn of_everything_else(&self) -> Vec<Repeatable> {
        let (admin, customer) = (&self.app.admin, &self.customer);
        let newcomer = self.app.unverified_account("Ben").await;
        let newcomer = self.app.anonymous().log_in(&newcomer, PASSWORD).await;
        let item = format!("/v1/menu/items/{}", self.item);
        let dish = |name: &str| json!({ "name": name, "category": "Tests", "stock": 3, "price": { "amount": 500, "currency": "EUR" } });
        let order_of = |quantity: u32| json!({ "items": [{ "menu_item_id": self.item, "quantity": quantity }] });
        let (cancelled, advanced) = (self.order().await, self.order().await);
        let letters = self.dead_letters().await;
        let (nothing, nobody) = (json!({}), Uuid::nil());
        vec![
            Repeatable {
                endpoint: "/v1/orders",
                caller: customer.clone(),
                request: ("/v1/orders".to_owned(), order_of(1)),
                refused: ("/v1/orders".to_owned(), order_of(100), 409),
                other: ("/v1/orders".to_owned(), order_of(2)),
                afterwards: None,
            },
            Repeatable {
                endpoint: "/v1/orders/{id}/cancel",
                caller: customer.clone(),
                request: (on(&cancelled, "cancel"), nothing.clone()),
                refused: (format!("/v1/orders/{nobody}/cancel"), nothing.clone(), 404),
                other: (on(&cancelled, "cancel"), json!({ "reason": "late" })),
                afterwards: None,
            },
            Repeatable {
                endpoint: "/v1/orders/{id}/status",
                caller: admin.clone(),
                request: (on(&advanced, "status"), json!({ "status": "accepted" })),
                refused: (on(&advanced, "status"), json!({ "status": "completed" }), 409),
                other: (on(&advanced, "status"), json!({ "status": "preparing" })),
                afterwards: Some((on(&advanced, "status"), json!({ "status": "preparing" }))),
            },
            Repeatable {
                endpoint: "/v1/menu/items",
                caller: admin.clone(),
                request: ("/v1/menu/items".to_owned(), dish("Ravioli")),
                refused: ("/v1/menu/items".to_owned(), dish(""), 422),
                other: ("/v1/menu/items".to_owned(), dish("Tortellini")),
                afterwards: None,
            },
            Repeatable {
                endpoint: "/v1/menu/items/{id}/stock",
                caller: admin.clone(),
                request: (on(&item, "stock"), json!({ "delta": 2, "reason": "delivery" })),
                refused: (on(&item, "stock"), json!({ "delta": -1000, "reason": "delivery" }), 409),
                other: (on(&item, "stock"), json!({ "delta": 3, "reason": "delivery" })),
                afterwards: Some((on(&item, "stock"), json!({ "delta": 5, "reason": "delivery" }))),
            },
            Repeatable {
                endpoint: "/v1/admin/dead-letters/{id}/resend",
                caller: admin.clone(),
                request: (format!("/v1/admin/dead-letters/{}/resend", letters[0]), nothing.clone()),
                refused: ("/v1/admin/dead-letters/4000000/resend".to_owned(), nothing.clone(), 404),
                other: (format!("/v1/admin/dead-letters/{}/resend", letters[1]), nothing.clone()),
                afterwards: None,
            },
            Repeatable {
                endpoint: "/v1/me/email-verification",
                caller: newcomer,
                request: ("/v1/me/email-verification".to_owned(), nothing.clone()),
                refused: ("/v1/me/email-verification".to_owned(), json!({ "to": "me" }), 400),
                other: ("/v1/orders".to_owned(), order_of(1)),
                afterwards: None,
            },
        ]
    }
}
