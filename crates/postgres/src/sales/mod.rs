//! What was sold, from summaries that are kept up to date in the background.
//!
//! Placing an order writes nothing for the figures besides the event that it writes anyway: every order would pay for
//! rows per menu item and hour that were raised within its transaction. Instead, `summarize` raises the summaries from
//! the events every few seconds, many orders at a time. A report (`top_items`, `sold_options`, `by_period`) adds what
//! is not summarized yet, in one snapshot with the summaries (`snapshot`), so that it is exact at any moment.

mod besides_summaries;
mod by_period;
mod covered;
mod lag;
mod snapshot;
mod sold_options;
mod summarize;
mod top_items;

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use comanda_domain::{
    MenuItemId, PageLimit, Period, Sales,
    ports::{SalesFigures, SoldOption, TopItem, Unavailable},
};

use crate::Database;

/// Figures from the tables `sales_by_quarter_hour`, `item_sales_by_hour`, `item_sales_by_day` and
/// `option_sales_by_day`, and from orders not yet in them.
pub struct PostgresSalesFigures {
    database: Database,
}

impl PostgresSalesFigures {
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Brings the summaries up to date, unless another server is doing so. Reports are exact in any case; the longer
    /// ago this was, the more a report has to read besides the summaries.
    pub async fn summarize(&self) -> Result<(), Unavailable> {
        summarize::catch_up(&self.database).await
    }

    /// How long ago the oldest event happened that is not in the summaries.
    pub async fn lag(&self) -> Result<Duration, Unavailable> {
        lag::lag(&self.database).await
    }
}

#[async_trait]
impl SalesFigures for PostgresSalesFigures {
    async fn top_items(&self, period: Period, limit: PageLimit) -> Result<Vec<TopItem>, Unavailable> {
        top_items::top_items(&self.database, period, limit).await
    }

    async fn sold_options(
        &self,
        period: Period,
        items: &[MenuItemId],
    ) -> Result<HashMap<MenuItemId, Vec<SoldOption>>, Unavailable> {
        sold_options::sold_options(&self.database, period, items).await
    }

    async fn sales(&self, periods: &[Period]) -> Result<Vec<Sales>, Unavailable> {
        by_period::sales(&self.database, periods).await
    }
}
