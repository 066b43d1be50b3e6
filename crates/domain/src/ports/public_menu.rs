use std::sync::Arc;

use async_trait::async_trait;

use crate::{MenuItem, MenuItemId};

use super::{Unavailable, WholeMenu};

/// The menu as customers read it, about a thousand times per order. It may lag behind the database for a moment but
/// never goes back: whoever has been shown a version is not shown an older one by the same process.
///
/// Stock counts in it are as old as the menu and must not be shown; [`MenuItem::availability`] may be. Read counts from
/// [`super::LiveMenu`].
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait PublicMenu: Send + Sync {
    /// The whole menu, inactive menu items included. It stays the same `Arc` until something changes, so that callers
    /// can cache what they derive from it.
    async fn whole(&self) -> Result<Arc<WholeMenu>, Unavailable>;

    /// One menu item that is not archived.
    async fn item(&self, id: MenuItemId) -> Result<Option<MenuItem>, Unavailable>;
}
