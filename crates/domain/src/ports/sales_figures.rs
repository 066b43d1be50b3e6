use std::collections::HashMap;

use async_trait::async_trait;

use crate::{MenuItemId, MenuItemName, Money, OptionGroupName, OptionId, OptionName, PageLimit, Period, Sales};

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

/// An option by how much of it was sold with a menu item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoldOption {
    /// The option.
    pub option_id: OptionId,
    /// The name of its group today.
    pub group: OptionGroupName,
    /// Its name today.
    pub name: OptionName,
    /// How often it was chosen, with each of the menu items that were sold.
    pub quantity: u64,
    /// The revenue, at the prices of the orders: a part of the menu item's.
    pub revenue: Money,
}

/// What was sold. An order counts at the moment it was placed; a cancelled one does not count. Figures include every
/// order that was confirmed before they were asked for.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait SalesFigures: Send + Sync {
    /// The menu items that sold the largest quantities; equal ones by revenue, then by id.
    async fn top_items(&self, period: Period, limit: PageLimit) -> Result<Vec<TopItem>, Unavailable>;

    /// What was chosen with these menu items: of each, the options that sold the largest quantities first, equal
    /// ones by revenue, then by id.
    async fn sold_options(
        &self,
        period: Period,
        items: &[MenuItemId],
    ) -> Result<HashMap<MenuItemId, Vec<SoldOption>>, Unavailable>;

    /// The sales of periods that follow one another without a gap, in their order.
    async fn sales(&self, periods: &[Period]) -> Result<Vec<Sales>, Unavailable>;
}
