//! What a replay needs on the menu.

use std::collections::BTreeMap;

use anyhow::Context;
use hyper::Method;
use serde_json::{Value, json};

use super::{
    FileItem, Replay, choices,
    price_lists::{ItemPrice, PriceList},
};
use crate::rush::{menu_items::MenuItems, moment, stage::Stage};

/// Menu items, groups of options, and supplies. Archived afterwards.
pub struct Served {
    pub items: MenuItems,
    /// The ids, in the order of the file's options.
    pub options: Vec<String>,
    pub supplies: Vec<Supply>,
    groups: BTreeMap<&'static str, String>,
    /// What each menu item costs now, and what is added to it.
    prices: Vec<Option<ItemPrice>>,
    currency: Value,
}

/// Pieces of an option.
pub struct Supply {
    pub id: String,
    pub name: String,
}

impl Served {
    pub async fn add(stage: &Stage, replay: &Replay) -> anyhow::Result<Self> {
        let (mut connection, token) = stage.as_admin().await?;
        let menu = connection.get("/v1/menu", None).await?.expect(200)?;
        // A supply's name is given once, and those of a rush that was interrupted are still there.
        let moment = moment()?;
        let mut supplies = Vec::new();
        for option in &replay.options {
            let name = format!("{} {moment}", option.name);
            let body = json!({ "name": name, "unit": "piece", "stock": option.stock });
            let supply = connection.post("/v1/supplies", Some(&token), &body).await?.expect(201)?;
            supplies.push(Supply { id: id_of(&supply)?, name });
        }
        let (mut groups, mut options) = (BTreeMap::new(), vec![String::new(); replay.options.len()]);
        for (name, positions) in replay.groups() {
            let option = |&position: &usize| {
                let supply = json!({ "supply_id": supplies[position].id, "amount": 1 });
                json!({ "name": replay.options[position].name, "supply": supply })
            };
            let written: Vec<Value> = positions.iter().map(option).collect();
            let body = json!({ "name": format!("{name} {moment}"), "options": written });
            let group = connection.post("/v1/menu/option-groups", Some(&token), &body).await?.expect(201)?;
            for (at, position) in positions.into_iter().enumerate() {
                options[position] = id_of(&group["options"][at])?;
            }
            groups.insert(name, id_of(&group)?);
        }
        // At the first price of each: nothing can be on the menu without one.
        let first = |(position, item): (usize, &FileItem)| {
            let price = replay.price_lists.iter().find_map(|list| list.items.get(&position));
            (item.name.clone(), price.map_or(0, |price| price.plain), item.ordered)
        };
        let items = MenuItems::add(stage, "Replay", replay.items.iter().enumerate().map(first)).await?;
        let prices = vec![None; items.ids.len()];
        Ok(Self { items, options, supplies, groups, prices, currency: menu["currency"].clone() })
    }

    /// Has everything that is on this list cost what it says there.
    pub async fn reprice(&mut self, stage: &Stage, replay: &Replay, list: &PriceList) -> anyhow::Result<()> {
        let (mut connection, token) = stage.as_admin().await?;
        for (&position, &price) in &list.items {
            let (item, before) = (&replay.items[position], self.prices[position].replace(price));
            let path = format!("/v1/menu/items/{}", self.items.ids[position]);
            if before.is_none_or(|before| before.plain != price.plain) {
                let body = json!({ "price": self.money(price.plain) });
                connection.change(Method::PATCH, &path, &token, &body).await?.expect(200)?;
            }
            if !item.offers.is_empty() && before.is_none_or(|before| before.extra != price.extra) {
                let body = self.offers(replay, item, price);
                let path = format!("{path}/option-groups");
                connection.change(Method::PUT, &path, &token, &body).await?.expect(200)?;
            }
        }
        Ok(())
    }

    fn offers(&self, replay: &Replay, item: &FileItem, price: ItemPrice) -> Value {
        let dearer = replay.options.iter().position(|option| option.name == choices::DEARER);
        let offers = item.offers.iter().map(|(group, bounds)| {
            let dearer = dearer.filter(|option| replay.options[*option].group == *group);
            let prices: Vec<Value> = dearer
                .map(|option| json!({ "option_id": self.options[option], "price": self.money(price.extra) }))
                .into_iter()
                .collect();
            json!({
                "group_id": self.groups[group], "prices": prices,
                "min": bounds.min, "max": bounds.max, "max_each": bounds.max_each,
            })
        });
        Value::Array(offers.collect())
    }

    fn money(&self, amount: i64) -> Value {
        json!({ "amount": amount, "currency": self.currency })
    }

    /// What is offered keeps groups in use, and groups keep supplies in use.
    pub async fn archive(&self, stage: &Stage) -> anyhow::Result<()> {
        self.items.archive(stage).await?;
        let (mut connection, token) = stage.as_admin().await?;
        let groups = self.groups.values().map(|id| format!("/v1/menu/option-groups/{id}"));
        let supplies = self.supplies.iter().map(|supply| format!("/v1/supplies/{}", supply.id));
        for path in groups.chain(supplies) {
            let response = connection.delete(&path, &token).await?;
            anyhow::ensure!(response.status == 204, "{path} of the rush cannot be archived: {}", response.status);
        }
        Ok(())
    }
}

fn id_of(added: &Value) -> anyhow::Result<String> {
    added["id"].as_str().map(str::to_owned).context("what was added has no id")
}
