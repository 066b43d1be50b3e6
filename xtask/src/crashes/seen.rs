use std::collections::{BTreeSet, HashMap, HashSet};

use anyhow::Context;
use serde_json::Value;
use uuid::Uuid;

/// What the world outside was told. It must be true after every crash.
#[derive(Default)]
pub struct Seen {
    /// Since the last look at the tables.
    pub news: News,
    /// Whatever contradicts itself or the contract, in words.
    pub complaints: Vec<String>,
    /// Every order that was confirmed with 201, as [`text_of`] writes it.
    pub confirmed: HashMap<Uuid, String>,
    /// Orders that the receiver of events knows.
    pub delivered: HashSet<Uuid>,
    /// How many events it has got.
    pub events: u64,
    /// How many orders were repeated under their keys after a crash.
    pub repeated: u64,
    /// Menus by their versions.
    menus: HashMap<u64, String>,
}

/// What has become known since the last look at the tables.
#[derive(Default)]
pub struct News {
    /// By their ids: as [`text_of`] writes them.
    pub confirmed: HashMap<Uuid, String>,
    /// What an order's status was at a version: in a response to its owner or to staff, in a list, or after a change.
    pub statuses: HashMap<(Uuid, i32), String>,
    /// Events that were received: their subjects, and what they say.
    pub subjects: HashSet<Uuid>,
    pub events: HashSet<String>,
    /// The reasons of stock adjustments that were confirmed, each of them unique.
    pub adjustments: BTreeSet<String>,
    /// The newest menu: its version, and as [`menu_text`] writes it.
    pub menu: Option<(u64, String)>,
}

impl Seen {
    pub fn complain(&mut self, what: &str) {
        // The first few say it all.
        if self.complaints.len() < 20 {
            self.complaints.push(what.chars().take(1000).collect());
        }
    }

    /// An order that was confirmed with 201.
    pub fn confirm(&mut self, order: &Value) -> anyhow::Result<Uuid> {
        let id = id_of(&order["id"])?;
        let text = text_of(order).context("an order")?;
        self.news.confirmed.insert(id, text.clone());
        self.confirmed.insert(id, text);
        self.see(order)?;
        Ok(id)
    }

    /// An order as somebody was shown it.
    pub fn see(&mut self, order: &Value) -> anyhow::Result<()> {
        let (id, version) = (id_of(&order["id"])?, version_of(&order["version"])?);
        let status = order["status"].as_str().context("a status")?.to_owned();
        if let Some(before) = self.news.statuses.insert((id, version), status.clone())
            && before != status
        {
            self.complain(&format!("version {version} of order {id} was shown as {before} and as {status}"));
        }
        Ok(())
    }

    pub fn see_menu(&mut self, menu: &Value) -> anyhow::Result<u64> {
        let version = menu["version"].as_u64().context("the menu's version")?;
        let text = menu_text(menu)?;
        match self.menus.get(&version) {
            Some(before) if *before != text => {
                let what = format!("version {version} of the menu was two menus:\n{before}\nand\n{text}");
                self.complain(&what);
            }
            Some(_) => {}
            None => {
                self.menus.insert(version, text.clone());
            }
        }
        if self.news.menu.as_ref().is_none_or(|(newest, _)| *newest < version) {
            self.news.menu = Some((version, text));
        }
        Ok(version)
    }

    pub fn menu_versions(&self) -> usize {
        self.menus.len()
    }

    pub fn receive(&mut self, event: &Value) -> anyhow::Result<()> {
        let kind = event["type"].as_str().context("a type")?;
        let (subject, time) = (id_of(&event["subject"])?, event["time"].as_str().context("a time")?);
        let text = if kind.starts_with("order.") {
            let version = version_of(&event["data"]["version"])?;
            format!("{kind} {subject} {version} {time}")
        } else {
            format!("{kind} {subject} {time}")
        };
        if kind == "order.placed" {
            self.delivered.insert(subject);
        }
        self.events += 1;
        self.news.subjects.insert(subject);
        self.news.events.insert(text);
        Ok(())
    }
}

pub fn id_of(value: &Value) -> anyhow::Result<Uuid> {
    value.as_str().and_then(|id| id.parse().ok()).with_context(|| format!("{value} is no id"))
}

fn version_of(value: &Value) -> anyhow::Result<i32> {
    value.as_i64().and_then(|version| version.try_into().ok()).with_context(|| format!("{value} is no version"))
}

/// What never changes of an order, as the query in `tables.rs` writes it.
fn text_of(order: &Value) -> Option<String> {
    let mut words = vec![
        order["customer_id"].as_str()?.to_owned(),
        order["total"]["amount"].as_i64()?.to_string(),
        order["created_at"].as_str()?.to_owned(),
        order["line_count"].as_u64()?.to_string(),
    ];
    for line in order["items"].as_array()? {
        let (item, total) = (line["menu_item_id"].as_str()?, line["line_total"]["amount"].as_i64()?);
        words.push(format!("{item}*{}={total}{}", line["quantity"].as_u64()?, chosen(line)?));
    }
    Some(words.join(" "))
}

/// Every option that was chosen with a line.
fn chosen(line: &Value) -> Option<String> {
    let selections = line["selections"].as_array().map_or(&[][..], Vec::as_slice);
    let option = |selection: &Value| Some(format!("+{}", selection["option_id"].as_str()?));
    selections.iter().map(option).collect()
}

/// What a version of the menu stands for, as the query in `tables.rs` writes it.
fn menu_text(menu: &Value) -> anyhow::Result<String> {
    let mut items = Vec::new();
    for category in menu["categories"].as_array().context("categories")? {
        for item in category["items"].as_array().context("items")? {
            let (id, availability) = (item["id"].as_str(), item["availability"].as_str());
            let (id, availability) = id.zip(availability).context("a menu item")?;
            items.push(format!("{id} {availability} {}", item["revision"]));
        }
    }
    items.sort();
    Ok(items.join(", "))
}
