//! What there is to order, and what it is made of.

use anyhow::{Context, ensure};
use rand::RngExt;
use serde_json::{Value, json};

use super::{
    account::Account,
    person::{Call, Credential, Person},
};

/// A menu item, as those who order it know it.
#[derive(Clone)]
pub struct Dish {
    pub id: String,
    /// Whether it has a stock of its own.
    pub counted: bool,
    /// Whether a size must be chosen with it, and extras can be.
    pub with_options: bool,
}

/// Made once, before anybody comes.
pub struct Pantry {
    pub dishes: Vec<Dish>,
    pub supplies: Vec<String>,
    /// Of which one is chosen with what has options.
    pub sizes: Vec<String>,
    /// Of which up to three can be.
    pub extras: Vec<String>,
}

/// By name, category and stock; `None` is not counted.
const DISHES: [(&str, &str, Option<u32>); 12] = [
    ("Margherita", "Pizza", None),
    ("Bacon pizza", "Pizza", None),
    ("Calzone", "Pizza", Some(400)),
    ("Bistecca", "Grill", Some(60)),
    ("Salsiccia", "Grill", Some(4000)),
    ("Spiedini", "Grill", Some(5)),
    ("Water", "Drinks", None),
    ("House wine", "Drinks", Some(3000)),
    ("Espresso", "Drinks", None),
    ("Tiramisu", "Desserts", Some(200)),
    ("Panna cotta", "Desserts", Some(600)),
    ("Last slice", "Desserts", Some(1)),
];

/// Those whose prices and stocks are imported; by name, category and the most that there is of them.
pub const SEASONAL: [(&str, &str, u32); 3] =
    [("Tagliata", "Grill", 80), ("Grappa", "Drinks", 300), ("Affogato", "Desserts", 20)];

/// By name, unit and stock.
const SUPPLIES: [(&str, &str, u32); 5] = [
    ("Dough", "piece", 2500),
    ("Mozzarella", "g", 300_000),
    ("Bacon", "g", 9000),
    ("Truffle", "piece", 12),
    ("Cream", "ml", 9000),
];

impl Pantry {
    /// How many options can be chosen of the extras.
    pub const MOST_EXTRAS: usize = 3;

    pub async fn stock(person: &mut Person, admin: &Account) -> anyhow::Result<Self> {
        let mut maker = Maker { person, admin: admin.credential.clone() };
        let stations = [("Oven", "Pizza"), ("Grill", "Grill"), ("Bar", "Drinks")];
        maker
            .make_all(
                "/v1/kitchen/stations",
                stations.map(|(name, category)| json!({ "name": name, "categories": [category] })),
            )
            .await?;
        let supplies = SUPPLIES.map(|(name, unit, stock)| json!({ "name": name, "unit": unit, "stock": stock }));
        let supplies = ids(&maker.make_all("/v1/supplies", supplies).await?);
        let option = |name: &str, price: i64, takes: Option<(usize, u32)>| {
            let supply = takes.map(|(supply, amount)| json!({ "supply_id": supplies[supply], "amount": amount }));
            json!({ "name": name, "price": euros(price), "supply": supply })
        };
        let sizes = [option("Small", 0, None), option("Large", 250, Some((0, 1)))];
        let extras = [
            option("Bacon", 190, Some((2, 40))),
            option("Truffle", 900, Some((3, 1))),
            option("Mozzarella", 120, Some((1, 80))),
            option("Chili", 0, None),
        ];
        let groups = [json!({ "name": "Size", "options": sizes }), json!({ "name": "Extras", "options": extras })];
        let groups = maker.make_all("/v1/menu/option-groups", groups).await?;
        let [sizes, extras] = [0, 1].map(|group| ids(groups[group]["options"].as_array().map_or(&[], Vec::as_slice)));
        let groups = ids(&groups);
        let mut dishes = Vec::new();
        let seasonal = SEASONAL.map(|(name, category, stock)| (name, category, Some(stock)));
        for (n, (name, category, stock)) in DISHES.into_iter().chain(seasonal).enumerate() {
            let price = euros(maker.person.random.random_range(100..2500));
            let low = stock.map(|_| 3);
            let body =
                json!({ "name": name, "category": category, "price": price, "stock": stock, "low_stock_at": low });
            let item = maker.make("/v1/menu/items", body).await?;
            let dish = Dish { id: id_of(&item)?, counted: stock.is_some(), with_options: category == "Pizza" };
            if dish.with_options {
                let offers = json!([
                    { "group_id": groups[0], "min": 1, "max": 1 },
                    { "group_id": groups[1], "min": 0, "max": Self::MOST_EXTRAS, "max_each": 2 },
                ]);
                maker.change(&format!("/v1/menu/items/{}/option-groups", dish.id), offers).await?;
                let recipe = json!([
                    { "supply_id": supplies[0], "amount": 1 },
                    { "supply_id": supplies[1], "amount": 100 + 10 * n },
                ]);
                maker.change(&format!("/v1/menu/items/{}/recipe", dish.id), recipe).await?;
            }
            dishes.push(dish);
        }
        Ok(Self { dishes, supplies, sizes, extras })
    }

    /// A basket that fits what is offered.
    pub fn basket(&self, person: &mut Person) -> Value {
        let lines = person.random.random_range(1..=3);
        let lines: Vec<Value> = (0..lines).map(|_| self.line(person)).collect();
        json!({ "items": lines })
    }

    fn line(&self, person: &mut Person) -> Value {
        let dish = &self.dishes[person.random.random_range(0..self.dishes.len())];
        let mut line = json!({ "menu_item_id": dish.id, "quantity": person.random.random_range(1..=3) });
        if dish.with_options {
            let size = &self.sizes[person.random.random_range(0..self.sizes.len())];
            let mut selections = vec![json!({ "option_id": size })];
            for _ in 0..person.random.random_range(0..Self::MOST_EXTRAS) {
                let extra = &self.extras[person.random.random_range(0..self.extras.len())];
                if !selections.iter().any(|selection| selection["option_id"] == extra.as_str()) {
                    selections.push(json!({ "option_id": extra }));
                }
            }
            line["selections"] = Value::Array(selections);
        }
        line
    }
}

pub fn euros(cents: i64) -> Value {
    json!({ "amount": cents, "currency": "EUR" })
}

/// Whoever makes it.
struct Maker<'a> {
    person: &'a mut Person,
    admin: Credential,
}

impl Maker<'_> {
    async fn make(&mut self, path: &str, body: Value) -> anyhow::Result<Value> {
        let call = Call::post(path, body).under(self.person.key()).by(&self.admin);
        let answer = self.person.insist(&call).await.with_context(|| format!("{path} does not respond"))?;
        ensure!(answer.status == 201, "{path}: {} {}", answer.status, answer.body);
        Ok(answer.body)
    }

    async fn make_all(&mut self, path: &str, bodies: impl IntoIterator<Item = Value>) -> anyhow::Result<Vec<Value>> {
        let mut made = Vec::new();
        for body in bodies {
            made.push(self.make(path, body).await?);
        }
        Ok(made)
    }

    async fn change(&mut self, path: &str, body: Value) -> anyhow::Result<()> {
        let call = Call::put(path, body).if_at("*").by(&self.admin);
        let answer = self.person.insist(&call).await.with_context(|| format!("{path} does not respond"))?;
        ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.body);
        Ok(())
    }
}

fn id_of(made: &Value) -> anyhow::Result<String> {
    made["id"].as_str().map(str::to_owned).context("what was made has no id")
}

fn ids(made: &[Value]) -> Vec<String> {
    made.iter().filter_map(|made| made["id"].as_str().map(str::to_owned)).collect()
}
