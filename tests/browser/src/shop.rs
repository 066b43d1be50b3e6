use std::{collections::BTreeMap, fs, path::Path};

use comanda_tests::{Client, PASSWORD, TestApp};
use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// What `cargo xtask run` sets, too: test cards, cookies over plain http, and a kitchen that cooks what is paid.
const SETTINGS: [(&str, &str); 4] =
    [("MODE", "development"), ("PAYMENT_GATEWAY", "offline"), ("INSECURE_COOKIES", "true"), ("ACCEPT_ORDERS", "paid")];

/// The sample shop, with its menu and what can be chosen with it.
pub struct Shop {
    pub app: TestApp,
    items: BTreeMap<String, String>,
    options: BTreeMap<String, String>,
}

impl Shop {
    pub async fn open() -> Self {
        let app = TestApp::with_servers(1, &SETTINGS).await;
        let import = app.comanda(&["menu", "import", &sample("menu.csv").to_string_lossy()]);
        assert!(import.status.success(), "{import:?}");
        let mut shop = Self { app, items: BTreeMap::new(), options: BTreeMap::new() };
        let menu = shop.app.admin.get("/v1/menu").await.expect(200);
        for item in entries(&menu["categories"]).flat_map(|category| entries(&category["items"])) {
            shop.items.insert(text(&item["name"]), text(&item["id"]));
        }
        shop.add_choices().await;
        shop
    }

    /// What can be chosen, without the supplies that it takes.
    async fn add_choices(&mut self) {
        let sample = fs::read_to_string(sample("choices.json")).expect("the sample");
        let sample: Value = serde_json::from_str(&sample).expect("JSON");
        let mut groups = Map::new();
        for group in entries(&sample["option_groups"]) {
            let options: Vec<Value> = entries(&group["options"])
                .map(|option| {
                    let price = json!({ "amount": option["price"].as_i64().unwrap_or(0), "currency": "EUR" });
                    let none = json!([]);
                    let allergens = option.get("allergens").unwrap_or(&none);
                    json!({ "name": option["name"], "price": price, "allergens": allergens })
                })
                .collect();
            let body = json!({ "name": group["name"], "options": options });
            let added = self.app.admin.post("/v1/menu/option-groups", &body).await.expect(201);
            groups.insert(text(&added["name"]), added["id"].clone());
            for option in entries(&added["options"]) {
                self.options.insert(text(&option["name"]), text(&option["id"]));
            }
        }
        for item in entries(&sample["menu_items"]) {
            let offers: Vec<Value> = entries(&item["option_groups"])
                .map(|offer| {
                    let group = &groups[offer["group"].as_str().expect("a name")];
                    let most_of_each = offer["max_each"].as_i64().unwrap_or(1);
                    json!({ "group_id": group, "min": offer["min"], "max": offer["max"], "max_each": most_of_each })
                })
                .collect();
            let path = format!("/v1/menu/items/{}/option-groups", self.item(&text(&item["name"])));
            let request = self.app.admin.request(Method::PUT, &path).header("if-match", "*").json(&offers);
            Client::send(request).await.expect(200);
        }
    }

    /// The id of a menu item of the sample.
    pub fn item(&self, name: &str) -> &str {
        &self.items[name]
    }

    /// Finds the field of an option of the sample.
    pub fn option(&self, name: &str) -> String {
        format!("#option-{}", self.options[name])
    }

    /// A menu item with this stock.
    pub async fn add_item(&self, name: &str, stock: u32) -> String {
        let price = json!({ "amount": 990, "currency": "EUR" });
        let body = json!({ "name": name, "category": "Today", "stock": stock, "price": price });
        text(&self.app.admin.post("/v1/menu/items", &body).await.expect(201)["id"])
    }

    /// Takes all that is left of a menu item.
    pub async fn sell_out(&self, item: &str) {
        let stock = self.app.stock(item.parse::<Uuid>().expect("an id")).await;
        let body = json!({ "delta": -stock, "reason": "stocktaking" });
        self.app.admin.post(&format!("/v1/menu/items/{item}/stock"), &body).await.expect(200);
    }

    /// Opens the stations of the sample's kitchen.
    pub async fn open_stations(&self) {
        let stations = fs::read_to_string(sample("stations.json")).expect("the sample");
        let stations: Value = serde_json::from_str(&stations).expect("JSON");
        for station in entries(&stations) {
            self.app.admin.post("/v1/kitchen/stations", station).await.expect(201);
        }
    }

    /// Appoints somebody of the staff; returns their address.
    pub async fn appoint(&self) -> String {
        let email = self.app.account().await;
        let account = self.app.anonymous().log_in(&email, PASSWORD).await;
        let path = format!("/v1/admin/users/{}", account.id);
        let appoint = self.app.admin.request(Method::PATCH, &path).json(&json!({ "role": "staff" }));
        Client::send(appoint).await.expect(200);
        email
    }

    /// Orders one of a menu item of the sample, to be paid at the counter, as a client without a page does; returns the
    /// order's id.
    pub async fn order(&self, customer: &Client, item: &str) -> String {
        self.order_of(customer, &json!({ "items": [{ "menu_item_id": self.item(item), "quantity": 1 }] })).await
    }

    /// The same for several menu items, with choices and with notes.
    pub async fn order_with_choices(&self, customer: &Client) -> String {
        let chosen = |option: &str, quantity: u32| json!({ "option_id": self.options[option], "quantity": quantity });
        let order = json!({ "note": "Birthday: bring them together, please", "items": [
            { "menu_item_id": self.item("Pizza Margherita"), "quantity": 2, "note": "well done",
                "selections": [chosen("Mushrooms", 2), chosen("No mozzarella", 1)] },
            { "menu_item_id": self.item("Pizza Marinara"), "quantity": 1 },
            { "menu_item_id": self.item("Tagliata di Manzo"), "quantity": 1, "selections": [chosen("Rare", 1)] },
        ]});
        self.order_of(customer, &order).await
    }

    async fn order_of(&self, customer: &Client, order: &Value) -> String {
        let id = text(&customer.post("/v1/orders", order).await.expect(201)["id"]);
        let counter = json!({ "method": "counter" });
        customer.post(&format!("/v1/orders/{id}/payments"), &counter).await.expect(201);
        id
    }

    /// Moves the tickets of an order to a state.
    pub async fn advance_tickets(&self, order: &str, state: &str) {
        let tickets = self.app.admin.get(&format!("/v1/kitchen/tickets?order={order}")).await.expect(200);
        for ticket in entries(&tickets["data"]) {
            let path = format!("/v1/kitchen/tickets/{}/state", text(&ticket["id"]));
            self.app.admin.post(&path, &json!({ "state": state })).await.expect(200);
        }
    }

    /// Starts one more server with the same settings, and these.
    pub fn open_another_at(&mut self, database_url: &str, settings: &[(&str, &str)]) -> String {
        self.app.open_another_at(database_url, &[&SETTINGS[..], settings].concat())
    }

    /// Where the pages are.
    pub fn base_url(&self) -> &str {
        &self.app.servers[0].base_url
    }
}

fn sample(file: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples").join(file)
}

fn entries(array: &Value) -> impl Iterator<Item = &Value> {
    array.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
