use std::sync::Arc;

use anyhow::Context;
use hyper::{Method, body::Bytes};
use rand::RngExt;
use serde_json::{Value, json};

use super::{demand::Demand, kitchen::Kitchen};
use crate::{
    http::Connection,
    rush::{menu_items::MenuItems, stage::Stage},
};

/// As many options as the orders of the replayed file have.
const OPTIONS: usize = 33;
/// Of a line that has any; the file's have 4.7.
const CHOSEN: usize = 5;
/// The part of the lines that have any, as in the file.
const PART: f64 = 0.73;

/// A group of options, which every menu item of the kitchen has. Each takes a piece of a supply that never runs out.
pub struct Choices {
    kitchen: Arc<Kitchen>,
    options: Vec<String>,
}

/// With what orders come.
#[derive(Clone, Copy)]
pub enum Chosen {
    /// As people do it: most lines have a few.
    Often,
    /// The first line has the same one in every order, and nothing else is chosen.
    One,
}

impl Choices {
    pub async fn add(stage: &Stage, kitchen: &Arc<Kitchen>) -> anyhow::Result<Self> {
        let (mut office, token) = stage.as_admin().await?;
        let supplies = supplies(&mut office, &token, "Chosen", OPTIONS).await?;
        let group = group(&mut office, &token, "Fillings", &supplies).await?;
        let options = group["options"].as_array().context("a group without options")?;
        let options = options.iter().map(id_of).collect::<anyhow::Result<Vec<_>>>()?;
        let offers = json!([{ "group_id": id_of(&group)?, "min": 0, "max": CHOSEN }]);
        for id in kitchen.ids() {
            put(&mut office, &token, &format!("/v1/menu/items/{id}/option-groups"), &offers).await?;
        }
        Ok(Self { kitchen: Arc::clone(kitchen), options })
    }

    /// The body of an order.
    pub fn basket(&self, demand: &Demand, chosen: Chosen) -> Bytes {
        let mut random = rand::rng();
        let line = |(position, item): (usize, usize)| {
            let options = match chosen {
                Chosen::Often if random.random_bool(PART) => {
                    let first = random.random_range(0..OPTIONS);
                    // Apart from each other, since no option may be chosen twice.
                    (0..CHOSEN).map(|n| (first + n * 7) % OPTIONS).collect()
                }
                Chosen::One if position == 0 => vec![0],
                _ => Vec::new(),
            };
            let selections: Vec<_> =
                options.into_iter().map(|option| json!({ "option_id": self.options[option] })).collect();
            json!({ "menu_item_id": self.kitchen.ids()[item], "quantity": 1, "selections": selections })
        };
        Bytes::from(json!({ "items": demand.draw().enumerate().map(line).collect::<Vec<_>>() }).to_string())
    }
}

/// Menu items that nobody orders, which have ten thousand ingredients and a thousand options.
pub async fn add_many(stage: &Stage) -> anyhow::Result<()> {
    const ITEMS: usize = 1000;
    const INGREDIENTS: usize = 10;
    const GROUPS: usize = 20;
    const OPTIONS: usize = 50;
    let items = MenuItems::add(stage, "Elsewhere", (0..ITEMS).map(|n| (format!("Item {n}"), 990, 1_000_000))).await?;
    let (mut office, token) = stage.as_admin().await?;
    let supplies = supplies(&mut office, &token, "Elsewhere", 100).await?;
    let mut groups = Vec::new();
    for n in 0..GROUPS {
        let group = group(&mut office, &token, &format!("Elsewhere {n}"), &supplies[..OPTIONS]).await?;
        groups.push(id_of(&group)?);
    }
    for (n, id) in items.ids.iter().enumerate() {
        let ingredient = |i: usize| json!({ "supply_id": supplies[(n + i) % supplies.len()], "amount": 1 });
        let recipe = (0..INGREDIENTS).map(ingredient).collect();
        put(&mut office, &token, &format!("/v1/menu/items/{id}/recipe"), &Value::Array(recipe)).await?;
        let offers = json!([{ "group_id": groups[n % GROUPS], "min": 0, "max": 3 }]);
        put(&mut office, &token, &format!("/v1/menu/items/{id}/option-groups"), &offers).await?;
    }
    Ok(())
}

/// The ids of supplies that never run out.
async fn supplies(office: &mut Connection, token: &str, name: &str, count: usize) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::new();
    for n in 0..count {
        let body = json!({ "name": format!("{name} {n}"), "unit": "piece", "stock": 1_000_000 });
        ids.push(id_of(&office.post("/v1/supplies", Some(token), &body).await?.expect(201)?)?);
    }
    Ok(ids)
}

/// A group with an option for each of the supplies.
async fn group(office: &mut Connection, token: &str, name: &str, supplies: &[String]) -> anyhow::Result<Value> {
    let option = |(n, supply): (usize, &String)| json!({ "name": format!("{name} {n}"), "supply": { "supply_id": supply, "amount": 1 } });
    let body = json!({ "name": name, "options": supplies.iter().enumerate().map(option).collect::<Vec<_>>() });
    office.post("/v1/menu/option-groups", Some(token), &body).await?.expect(201)
}

async fn put(office: &mut Connection, token: &str, path: &str, body: &Value) -> anyhow::Result<()> {
    office.change(Method::PUT, path, token, body).await?.expect(200)?;
    Ok(())
}

fn id_of(added: &Value) -> anyhow::Result<String> {
    added["id"].as_str().map(str::to_owned).context("what was added has no id")
}
