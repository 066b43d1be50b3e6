//! What was sold, from summaries that are kept up to date in the background.
//!
//! Placing an order writes nothing for this beside the event it writes anyway: a row a menu item and hour, raised within the order's
//! transaction, would be paid for by every order. Summaries are raised from the events every few seconds (`summarize`), many orders
//! at a time; a report (`report`) adds what is not summarized yet, in one snapshot with the summaries, so that it is exact
//! at any moment.

mod report;
mod summarize;

use async_trait::async_trait;
use comanda_domain::{
    money::{Currency, Money},
    page::PageLimit,
    ports::{SalesFigures, TopItem, Unavailable},
    sales::{Period, Sales},
};

use crate::Database;

/// Figures from the tables `sales_by_quarter_hour`, `item_sales_by_hour`, `item_sales_by_day`, and orders not yet in them.
pub struct PostgresSalesFigures {
    database: Database,
    currency: Currency,
}

impl PostgresSalesFigures {
    /// `currency` is the deployment's: the tables hold bare minor units.
    pub fn new(database: Database, currency: Currency) -> Self {
        Self { database, currency }
    }

    /// Keeps the summaries up to date for as long as the runtime runs. Any number of servers may: one works at a time.
    pub fn keep_summarizing(&self) {
        self.database.runtime().clone().spawn(summarize::keep_summarizing(self.database.clone()));
    }

    /// Brings the summaries up to date now, unless somebody else is at it.
    pub async fn summarize(&self) -> Result<(), Unavailable> {
        summarize::catch_up(&self.database).await
    }

    fn money(&self, amount: i64) -> Money {
        Money::new(amount, self.currency)
    }
}

#[async_trait]
impl SalesFigures for PostgresSalesFigures {
    async fn top_items(&self, period: Period, limit: PageLimit) -> Result<Vec<TopItem>, Unavailable> {
        self.report_top_items(period, limit).await
    }

    async fn sales(&self, periods: &[Period]) -> Result<Vec<Sales>, Unavailable> {
        self.report_sales(periods).await
    }
}
