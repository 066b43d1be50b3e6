use async_trait::async_trait;

use crate::{Category, MenuItem, MenuItemId, MenuPosition, Page, PageLimit};

use super::{Unavailable, UnreadableRecord, WholeMenu};

/// Which menu items to list. Archived items are never listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuItemsQuery {
    /// Also menu items that are switched off.
    pub include_inactive: bool,
    /// Only menu items in this category.
    pub category: Option<Category>,
    /// Only menu items whose name contains this text or a similar word, regardless of case.
    pub name_like: Option<String>,
    /// Only menu items after this one.
    pub after: Option<MenuPosition>,
    /// The most menu items to return.
    pub limit: PageLimit,
}

/// Every menu item that is not archived, and what of them is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MenuListing {
    /// Sorted by category, then name, then id.
    pub items: Vec<MenuItem>,
    /// Those that cannot be read.
    pub unreadable: Vec<UnreadableRecord>,
}

/// The menu as it is at this moment, with its stock: for staff, and for lists and searches. Most reads are by
/// customers, who get the [`super::PublicMenu`].
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait LiveMenu: Send + Sync {
    /// The whole menu, inactive menu items included, as it was at one moment.
    async fn whole(&self) -> Result<WholeMenu, Unavailable>;

    /// The same, for whoever must know what is left out of it.
    async fn listing(&self) -> Result<MenuListing, Unavailable>;

    /// One menu item that is not archived.
    async fn item(&self, id: MenuItemId) -> Result<Option<MenuItem>, Unavailable>;

    /// A page of menu items, sorted by category, then name, then id.
    async fn items(&self, query: MenuItemsQuery) -> Result<Page<MenuItem, MenuPosition>, Unavailable>;
}
