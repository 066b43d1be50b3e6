use std::{collections::HashMap, path::Path};

use anyhow::{Context, ensure};
use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::json;

/// The orders of a file.
pub struct Replay {
    pub orders: Vec<FileOrder>,
    /// Name, unit price in minor units, and quantity in all orders together.
    items: Vec<(String, i64, usize)>,
}

#[derive(Default)]
pub struct FileOrder {
    lines: Vec<FileLine>,
}

struct FileLine {
    /// Position among the menu items.
    item: usize,
    quantity: usize,
    choice: Option<String>,
}

#[derive(Deserialize)]
struct Row {
    order_id: String,
    quantity: usize,
    item_name: String,
    choice_description: String,
    item_price: String,
}

impl Replay {
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(b'\t')
            .quoting(false)
            .from_path(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let mut replay = Self { orders: Vec::new(), items: Vec::new() };
        let (mut order_positions, mut item_positions) = (HashMap::new(), HashMap::new());
        for (position, row) in reader.deserialize().enumerate() {
            let row: Row = row?;
            let unit_price = row.unit_price().with_context(|| format!("line {}", position + 2))?;
            let item = *item_positions.entry((row.item_name.clone(), unit_price)).or_insert_with(|| {
                replay.items.push((row.item_name.clone(), unit_price, 0));
                replay.items.len() - 1
            });
            replay.items[item].2 += row.quantity;
            let order = *order_positions.entry(row.order_id.clone()).or_insert_with(|| {
                replay.orders.push(FileOrder::default());
                replay.orders.len() - 1
            });
            let choice = (row.choice_description != "NULL").then_some(row.choice_description);
            replay.orders[order].lines.push(FileLine { item, quantity: row.quantity, choice });
        }
        Ok(replay)
    }

    pub fn items(&self) -> Vec<(String, i64, usize)> {
        self.items.clone()
    }

    pub fn units(&self) -> u64 {
        self.items.iter().map(|(_, _, quantity)| *quantity as u64).sum()
    }
}

impl Row {
    /// The file has the price of the whole line: `$2.39 `.
    fn unit_price(&self) -> anyhow::Result<i64> {
        let text = self.item_price.trim().trim_start_matches('$');
        let (whole, cents) = text.split_once('.').context("the price has no cents")?;
        ensure!(cents.len() == 2, "the price {text} does not end in two digits");
        let line_total: i64 = format!("{whole}{cents}").parse().context("the price is no number")?;
        let quantity = i64::try_from(self.quantity)?;
        ensure!(quantity > 0 && line_total % quantity == 0, "{text} cannot be divided by {quantity}");
        Ok(line_total / quantity)
    }
}

impl FileOrder {
    /// The request, with `ids` of the menu items in their order.
    pub fn body(&self, ids: &[String]) -> Bytes {
        let line = |line: &FileLine| {
            // A note has 300 characters at most.
            let note = line.choice.as_ref().map(|choice| choice.chars().take(300).collect::<String>());
            json!({ "menu_item_id": ids[line.item], "quantity": line.quantity, "note": note })
        };
        Bytes::from(json!({ "items": self.lines.iter().map(line).collect::<Vec<_>>() }).to_string())
    }
}
