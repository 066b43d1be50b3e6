use std::sync::Arc;

use async_trait::async_trait;

use crate::{MenuItem, MenuItemId};

use super::{Unavailable, WholeMenu};

/// The menu as customers read it, a thousand times for each order. What it shows may be a moment old, and never goes back: whoever
/// has been shown a version is not shown an older one by the same process.
///
/// Counts of stock in it are those of that moment and not to be shown; [`MenuItem::availability`] is. Who needs counts reads
/// [`super::Menu`].
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait PublicMenu: Send + Sync {
    /// The whole menu, inactive menu items included. As long as nothing changes it is the same `Arc`, so that what is made of it
    /// can be kept with it.
    async fn whole(&self) -> Result<Arc<WholeMenu>, Unavailable>;

    /// One menu item that is not archived.
    async fn item(&self, id: MenuItemId) -> Result<Option<MenuItem>, Unavailable>;
}
