use async_trait::async_trait;

use crate::{MenuItemId, MenuItemName, Money, PageLimit, Period, Sales};

use super::Unavailable;

/// A menu item by how much of it was sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopItem {
    /// The menu item.
    pub menu_item_id: MenuItemId,
    /// Its name today.
    pub name: MenuItemName,
    /// The quantity sold.
    pub quantity: u64,
    /// The revenue, at the prices of the orders.
    pub revenue: Money,
}

/// What was sold. An order counts at the moment it was placed; a cancelled one does not count. Figures include every
/// order that was confirmed before they were asked for.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait SalesFigures: Send + Sync {
    /// The menu items that sold the largest quantities; equal ones by revenue, then by id.
    async fn top_items(&self, period: Period, limit: PageLimit) -> Result<Vec<TopItem>, Unavailable>;

    /// The sales of periods that follow one another without a gap, in their order.
    async fn sales(&self, periods: &[Period]) -> Result<Vec<Sales>, Unavailable>;
}
