use anyhow::Context;
use serde_json::json;

use super::{moment, stage::Stage};

/// Menu items for one rush, archived afterwards.
pub struct MenuItems {
    pub ids: Vec<String>,
}

impl MenuItems {
    /// Adds items, each given by its name, price in minor units and stock.
    pub async fn add(
        stage: &Stage,
        category: &str,
        items: impl IntoIterator<Item = (String, i64, usize)>,
    ) -> anyhow::Result<Self> {
        let (mut connection, token) = stage.as_admin().await?;
        let menu = connection.get("/v1/menu", None).await?.expect(200)?;
        let currency = menu["currency"].as_str().context("the menu has no currency")?;
        // A name is given once in a category, and items of a rush that was interrupted are still there.
        let category = format!("{category} {}", moment()?);
        let mut ids = Vec::new();
        for (name, price, stock) in items {
            let body = json!({
                "name": name, "category": category, "stock": stock,
                "price": { "amount": price, "currency": currency },
            });
            let item = connection.post("/v1/menu/items", Some(&token), &body).await?.expect(201)?;
            ids.push(item["id"].as_str().context("the menu item has no id")?.to_owned());
        }
        Ok(Self { ids })
    }

    pub async fn archive(&self, stage: &Stage) -> anyhow::Result<()> {
        let (mut connection, token) = stage.as_admin().await?;
        for id in &self.ids {
            let response = connection.delete(&format!("/v1/menu/items/{id}"), &token).await?;
            anyhow::ensure!(response.status == 204, "a menu item of the rush cannot be archived: {}", response.status);
        }
        Ok(())
    }
}
