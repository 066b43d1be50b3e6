use std::sync::Arc;

use hyper::body::Bytes;
use rand::RngExt;
use serde_json::json;

use super::{database, demand::Demand, kitchen::Kitchen};
use crate::project;

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
    /// In a database that no server is connected to.
    pub async fn add(database_url: &str, kitchen: &Arc<Kitchen>) -> anyhow::Result<Self> {
        run("few", database_url).await?;
        let options = (0..OPTIONS).map(|n| format!("00000000-0000-7000-8030-{n:012}")).collect();
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

/// Menu items that nobody orders, which have ten thousand ingredients and a thousand options, in a database that no
/// server is connected to.
pub async fn add_many(database_url: &str) -> anyhow::Result<()> {
    run("many", database_url).await
}

/// In one transaction. By SQL, since every change of one menu item would make the whole menu anew.
async fn run(script: &str, database_url: &str) -> anyhow::Result<()> {
    let sql = std::fs::read_to_string(project::root().join(format!("xtask/sql/choices/{script}.sql")))?;
    let sql = sql.replace("{options}", &OPTIONS.to_string()).replace("{chosen}", &CHOSEN.to_string());
    database::connect(database_url).await?.batch_execute(&format!("BEGIN; {sql} COMMIT;")).await?;
    database::analyze(database_url).await
}
