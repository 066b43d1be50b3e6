//! A server with what the examples speak of.

use std::time::{Duration, Instant};

use comanda_tests::{Client, EventSink, TestApp};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    mail::{self, MailApp},
    openapi::Operation,
};

/// The ids in the examples.
const EXAMPLE_ITEM: &str = "0194c6a0-0000-7000-8000-000000000001";
const EXAMPLE_GROUP: &str = "0194c6a0-0000-7000-8000-000000000002";
const EXAMPLE_OPTION: &str = "0194c6a0-0000-7000-8000-000000000003";
const EXAMPLE_SUPPLY: &str = "0194c6a0-0000-7000-8000-000000000004";
const EXAMPLE_STATION: &str = "0194c6a0-0000-7000-8000-000000000005";

/// The password in the examples.
const EXAMPLE_PASSWORD: &str = "three hungry cats at noon";
const STRIPE_SECRET: &str = "whsec_of_the_examples";

pub(super) struct Stage {
    pub(super) mail: MailApp,
    /// Refuses everything, so that events become dead letters.
    _sink: EventSink,
    item: String,
    group: String,
    option: String,
    supply: String,
    station: String,
}

/// What is sent.
#[derive(Default)]
pub(super) struct Call {
    /// Nobody unless given.
    pub(super) client: Option<Client>,
    pub(super) segments: Vec<(&'static str, String)>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Value,
    /// Instead of the body, where every byte counts.
    pub(super) text: Option<String>,
}

impl Call {
    fn by(client: &Client) -> Self {
        Self { client: Some(client.clone()), ..Self::default() }
    }

    fn on(self, id: &str) -> Self {
        self.segment("id", id)
    }

    fn segment(mut self, name: &'static str, value: &str) -> Self {
        self.segments.push((name, value.to_owned()));
        self
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn body(self, body: Value) -> Self {
        Self { body, ..self }
    }
}

fn id_of(value: &Value) -> String {
    value["id"].as_str().expect("an id").to_owned()
}

fn new_email() -> String {
    format!("{}@example.org", Uuid::now_v7().simple())
}

impl Stage {
    pub(super) async fn open() -> Self {
        let sink = EventSink::open().await;
        sink.respond_with(|_| 400);
        let folder = std::env::temp_dir().join(format!("comanda-{}", Uuid::now_v7().simple()));
        let own = [
            ("PAYMENT_GATEWAY", "offline"),
            ("STRIPE_WEBHOOK_SECRETS", STRIPE_SECRET),
            ("WEBHOOK_URLS", sink.url.as_str()),
            ("WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            ("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8"),
            ("OUTBOX_FIRST_PAUSE_MS", "20"),
            ("OUTBOX_ATTEMPTS", "2"),
        ];
        let settings: Vec<(&str, &str)> = mail::settings(&folder).into_iter().chain(own).collect();
        let app = TestApp::with_servers(1, &settings).await;
        let supply = app_post(&app, "/v1/supplies", json!({ "name": "Avocado", "unit": "g", "stock": 9000 })).await;
        let station = app_post(&app, "/v1/kitchen/stations", json!({ "name": "Oven", "categories": ["Baked"] })).await;
        let price = json!({ "amount": 990, "currency": "EUR" });
        let options = json!([{ "name": "Guacamole", "price": { "amount": 150, "currency": "EUR" } }]);
        let group = app_post(&app, "/v1/menu/option-groups", json!({ "name": "Extras", "options": options })).await;
        let item = json!({ "name": "Nachos", "category": "Baked", "stock": 100_000, "price": price });
        let item = app_post(&app, "/v1/menu/items", item).await;
        let offers = json!([{ "group_id": group["id"], "min": 0, "max": 3, "max_each": 2 }]);
        let path = format!("/v1/menu/items/{}/option-groups", id_of(&item));
        let request = app.admin.request(reqwest::Method::PUT, &path).header("if-match", "\"1\"").json(&offers);
        Client::send(request).await.expect(200);
        Self {
            _sink: sink,
            item: id_of(&item),
            group: id_of(&group),
            option: id_of(&group["options"][0]),
            supply: id_of(&supply),
            station: id_of(&station),
            mail: MailApp { app, folder },
        }
    }

    pub(super) async fn close(self) {
        self.mail.close().await;
    }

    fn app(&self) -> &TestApp {
        &self.mail.app
    }

    /// An account with the password of the examples; its address.
    async fn account(&self) -> String {
        let email = new_email();
        let body = json!({ "email": email, "password": EXAMPLE_PASSWORD, "name": "Ana" });
        self.app().anonymous().post("/v1/users", &body).await.expect(201);
        email
    }

    async fn customer(&self) -> Client {
        self.app().anonymous().log_in(&self.account().await, EXAMPLE_PASSWORD).await
    }

    /// The id of a menu item that nothing else has to do with.
    async fn new_item(&self) -> String {
        self.app().item(10).await.to_string()
    }

    async fn order(&self) -> (Client, String) {
        let customer = self.app().customer().await;
        let order = customer.order(&[(self.item.parse().unwrap(), 1)]).await.expect(201);
        (customer, id_of(&order))
    }

    /// An order with choices and notes, of which the oven gets a ticket.
    pub(super) async fn order_with_everything(&self) -> (Client, String) {
        let customer = self.app().customer().await;
        let selections = json!([{ "option_id": self.option, "quantity": 1 }]);
        let line = json!({ "menu_item_id": self.item, "quantity": 1, "note": "no onions", "selections": selections });
        let order = customer.post("/v1/orders", &json!({ "items": [line], "note": "please with a candle" })).await;
        (customer, id_of(&order.expect(201)))
    }

    async fn payment(&self, method: &str) -> (Client, String, Value) {
        let (customer, order) = self.order().await;
        let path = format!("/v1/orders/{order}/payments");
        let payment = customer.post(&path, &json!({ "method": method })).await.expect(201);
        (customer, order, payment)
    }

    async fn ticket(&self) -> String {
        let (_, order) = self.order().await;
        let path = format!("/v1/orders/{order}/status");
        self.app().admin.post(&path, &json!({ "status": "accepted" })).await.expect(200);
        let tickets = self.app().admin.get(&format!("/v1/kitchen/tickets?order={order}")).await.expect(200);
        id_of(&tickets["data"][0])
    }

    async fn locked(&self) -> String {
        let email = self.account().await;
        for _ in 0..5 {
            self.app().anonymous().try_password(&email, "certainly not it").await;
        }
        email
    }

    async fn dead_letter(&self) -> String {
        self.order().await;
        let begin = Instant::now();
        loop {
            let letters = self.app().admin.get("/v1/admin/dead-letters").await.expect(200);
            if letters["data"][0]["id"].is_number() {
                return letters["data"][0]["id"].to_string();
            }
            assert!(begin.elapsed() < Duration::from_secs(20), "no event is a dead letter");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// By an admin, on a thing that has a revision.
    async fn revised(&self, path: &str, id: &str) -> Call {
        let shown = self.app().admin.get(&format!("{path}/{id}")).await;
        Call::by(&self.app().admin).on(id).header("if-match", shown.header("etag").expect("an ETag"))
    }

    async fn new_thing(&self, path: &str, body: Value) -> String {
        id_of(&app_post(self.app(), path, body).await)
    }

    /// The same body about things that are there.
    fn about_what_there_is(&self, body: &Value) -> Value {
        let mut text = body.to_string();
        for (example, own) in [
            (EXAMPLE_ITEM, &self.item),
            (EXAMPLE_GROUP, &self.group),
            (EXAMPLE_OPTION, &self.option),
            (EXAMPLE_SUPPLY, &self.supply),
            (EXAMPLE_STATION, &self.station),
        ] {
            text = text.replace(example, own);
        }
        serde_json::from_str(&text).unwrap()
    }

    /// What must be there before, and who calls.
    pub(super) async fn prepare(&self, operation: &Operation, example: Value) -> Call {
        let body = self.about_what_there_is(&example);
        let operation_id = operation.content["operationId"].as_str().unwrap();
        let call = if operation.path.starts_with("/v1/admin/") {
            self.of_admins(operation_id, body).await
        } else if ["menu", "supplies"].iter().any(|tag| operation.content["tags"][0] == *tag) {
            self.of_the_menu(operation_id, body).await
        } else if ["accounts", "sessions"].iter().any(|tag| operation.content["tags"][0] == *tag) {
            self.of_accounts(operation_id, body).await
        } else {
            self.of_orders(operation_id, body).await
        };
        call.unwrap_or_else(|| panic!("nothing is prepared for {operation}"))
    }

    async fn of_admins(&self, operation_id: &str, body: Value) -> Option<Call> {
        let call = Call::by(&self.app().admin);
        let call = match operation_id {
            "read_audit_log" | "list_dead_letters" | "list_lockouts" | "list_users" => call,
            "resend_dead_letter" => call.on(&self.dead_letter().await),
            "get_flag" | "set_flag" => call.segment("name", "menu-cache"),
            "get_lockout" | "lift_lockout" => call.segment("email", &self.locked().await),
            "change_user" | "end_user_sessions" => call.on(&self.customer().await.id.to_string()),
            _ => return None,
        };
        Some(call.body(body))
    }

    async fn of_the_menu(&self, operation_id: &str, body: Value) -> Option<Call> {
        let (admin, nobody) = (Call::by(&self.app().admin), Call::default());
        let (items, groups, supplies) = ("/v1/menu/items", "/v1/menu/option-groups", "/v1/supplies");
        let call = match operation_id {
            "get_menu" | "list_menu_items" | "list_option_groups" => nobody,
            "get_menu_item" => nobody.on(&self.item),
            "get_option_group" => nobody.on(&self.group),
            "list_supplies" | "add_menu_item" | "add_option_group" | "add_supply" => admin,
            "get_supply" | "adjust_supply" => admin.on(&self.supply),
            "adjust_stock" => admin.on(&self.new_item().await),
            "edit_menu_item" | "archive_menu_item" | "offer_option_groups" | "change_recipe" => {
                self.revised(items, &self.new_item().await).await
            }
            "edit_option_group" => self.revised(groups, &self.group).await,
            "archive_option_group" => {
                let new = self.new_thing(groups, json!({ "name": "Sauces", "options": [] })).await;
                self.revised(groups, &new).await
            }
            "edit_supply" => self.revised(supplies, &self.supply).await,
            "archive_supply" => {
                let new = self.new_thing(supplies, json!({ "name": "Straws", "unit": "piece", "stock": 1 })).await;
                self.revised(supplies, &new).await
            }
            _ => return None,
        };
        Some(call.body(body))
    }

    async fn of_accounts(&self, operation_id: &str, mut body: Value) -> Option<Call> {
        let anonymous = self.app().anonymous();
        let call = match operation_id {
            "register_user" => {
                body["email"] = new_email().into();
                Call::default()
            }
            "sign_in" | "sign_in_browser" | "request_password_reset" => {
                body["email"] = self.account().await.into();
                Call::default().header("origin", anonymous.base_url())
            }
            "refresh_session" => {
                let account = json!({ "email": self.account().await, "password": EXAMPLE_PASSWORD });
                let session = anonymous.post("/v1/sessions", &account).await.expect(200);
                body["refresh_token"] = session["refresh_token"].clone();
                Call::default()
            }
            "verify_email" | "reset_password" => {
                let email = self.account().await;
                let customer = anonymous.log_in(&email, EXAMPLE_PASSWORD).await;
                customer.post("/v1/me/email-verification", &json!({})).await;
                let mut token = self.mail.token(&email, mail::VERIFY, 1).await;
                if operation_id == "reset_password" {
                    mail::verify(&anonymous, &token).await;
                    mail::request_reset(&anonymous, &email).await;
                    token = self.mail.token(&email, mail::RESET, 1).await;
                }
                body["token"] = token.into();
                Call::default()
            }
            "change_password"
            | "update_me"
            | "request_email_verification"
            | "get_me"
            | "list_sessions"
            | "end_other_sessions"
            | "sign_out" => Call::by(&self.customer().await),
            "end_session" => {
                let customer = self.customer().await;
                let sessions = customer.get("/v1/me/sessions").await.expect(200);
                Call::by(&customer).on(&id_of(&sessions["data"][0]))
            }
            "sign_out_browser" => self.browser().await,
            "get_jwks" => Call::default(),
            _ => return None,
        };
        Some(call.body(body))
    }

    /// A browser that is signed in.
    async fn browser(&self) -> Call {
        let anonymous = self.app().anonymous();
        let account = json!({ "email": self.account().await, "password": EXAMPLE_PASSWORD });
        let response = anonymous.post("/v1/web/sessions", &account).await;
        let csrf = response.expect(200)["csrf_token"].as_str().unwrap().to_owned();
        let cookies = response.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
        let cookies: Vec<&str> = cookies.map(|cookie| cookie.split(';').next().unwrap()).collect();
        let call = Call::default().header("cookie", &cookies.join("; ")).header("origin", anonymous.base_url());
        call.header("x-csrf-token", &csrf)
    }

    async fn of_orders(&self, operation_id: &str, body: Value) -> Option<Call> {
        let admin = Call::by(&self.app().admin);
        let call = match operation_id {
            "place_order" | "quote_order" | "list_orders" => Call::by(&self.app().customer().await),
            "get_order" | "watch_order" | "cancel_order" | "pay_order" => {
                let (customer, order) = self.order().await;
                Call::by(&customer).on(&order)
            }
            "advance_order" => admin.on(&self.order().await.1),
            "settle_payment" | "refund_payment" | "list_refunds" => {
                let (_, order, payment) = self.payment("counter").await;
                let id = id_of(&payment);
                if operation_id == "refund_payment" {
                    let path = format!("/v1/orders/{order}/payments/{id}/settle");
                    self.app().admin.post(&path, &json!({})).await.expect(200);
                }
                admin.on(&order).segment("payment_id", &id)
            }
            "pay_offline_intent" => {
                let (customer, _, payment) = self.payment("card").await;
                let intent = payment["client_secret"].as_str().unwrap().split("_secret").next().unwrap();
                Call::by(&customer).segment("intent", intent)
            }
            "receive_stripe_event" => {
                let (text, now) = (body.to_string(), chrono::Utc::now().timestamp());
                let call = Call::default().header("stripe-signature", &signed(&text, now));
                return Some(Call { text: Some(text), ..call });
            }
            "change_ticket" => admin.on(&self.ticket().await),
            "edit_station" | "archive_station" => {
                let station = json!({ "name": format!("Bar {}", Uuid::now_v7().simple()), "categories": [] });
                admin.on(&self.new_thing("/v1/kitchen/stations", station).await)
            }
            "list_stations" | "add_station" | "list_tickets" | "watch_kitchen" | "report_sales"
            | "report_top_items" => admin,
            "get_problem_page" => Call::default().segment("code", "insufficient-stock"),
            "get_documentation_asset" => Call::default().segment("file", "swagger-ui.css"),
            "get_page_asset" => {
                let page = self.app().anonymous().get("/").await.text;
                let address = page.split("/assets/").nth(1).expect("an asset").split('"').next().unwrap();
                let (version, file) = address.split_once('/').unwrap();
                Call::default().segment("version", version).segment("file", file)
            }
            "get_customer_page"
            | "get_kitchen_page"
            | "get_office_page"
            | "find_documentation"
            | "get_documentation"
            | "get_liveness"
            | "get_readiness"
            | "get_openapi_document"
            | "list_problem_pages" => Call::default(),
            _ => return None,
        };
        Some(call.body(body))
    }
}

async fn app_post(app: &TestApp, path: &str, body: Value) -> Value {
    app.admin.post(path, &body).await.expect(201)
}

/// As Stripe signs.
fn signed(body: &str, seconds: i64) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(STRIPE_SECRET.as_bytes()).unwrap();
    mac.update(format!("{seconds}.{body}").as_bytes());
    format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()))
}
