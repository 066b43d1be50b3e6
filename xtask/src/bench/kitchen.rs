use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::ensure;
use hyper::body::Bytes;
use serde_json::json;

use super::demand::{Demand, ITEMS};
use crate::rush::{
    customers::{Customers, Tally},
    menu_items::MenuItems,
    stage::Stage,
};

/// As many menu items as a demand chooses from, which never run out.
pub struct Kitchen {
    items: Arc<[String]>,
}

impl Kitchen {
    pub async fn open(stage: &Stage) -> anyhow::Result<Self> {
        let items = MenuItems::add(stage, "Bench", (0..ITEMS).map(|n| (format!("Item {n}"), 990, 1_000_000))).await?;
        Ok(Self { items: items.ids.into() })
    }

    /// The menu items.
    pub fn ids(&self) -> &[String] {
        &self.items
    }

    /// The body of an order.
    pub fn basket(&self, demand: &Demand) -> Bytes {
        let line = |item: usize| json!({ "menu_item_id": self.items[item], "quantity": 1 });
        Bytes::from(json!({ "items": demand.draw().map(line).collect::<Vec<_>>() }).to_string())
    }

    /// What the customers of each server got who order without pause.
    pub async fn serve(
        self: &Arc<Self>,
        customers: &Customers,
        demand: &Demand,
        time: Duration,
    ) -> anyhow::Result<BTreeMap<String, Tally>> {
        let (kitchen, demand) = (Arc::clone(self), demand.clone());
        self.serve_baskets(customers, move || kitchen.basket(&demand), time).await
    }

    /// The same for any baskets.
    pub async fn serve_baskets(
        &self,
        customers: &Customers,
        basket: impl Fn() -> Bytes + Send + Sync + 'static,
        time: Duration,
    ) -> anyhow::Result<BTreeMap<String, Tally>> {
        let end = Instant::now() + time;
        let tallies = customers.buy_by_server(move |_| (Instant::now() < end).then(&basket)).await?;
        for tally in tallies.values() {
            ensure!(tally.refusals.is_empty(), "orders were refused: {:?}", tally.refusals);
        }
        Ok(tallies)
    }
}
