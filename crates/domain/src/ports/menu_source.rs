use async_trait::async_trait;

use super::{Unavailable, WholeMenu};

/// The menu as the database has it, for the loader of the copies that customers read ([`super::PublicMenu`]).
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait MenuSource: Send + Sync {
    /// The menu's current version: what [`WholeMenu::version`] would be if the menu were loaded now.
    async fn version(&self) -> Result<u64, Unavailable>;

    /// Raises the menu's version above this one, unless it is above it already. For a database that has lost versions
    /// which customers were shown: whoever goes by the version then follows it again.
    async fn raise_above(&self, version: u64) -> Result<(), Unavailable>;

    /// Loads the whole menu, inactive menu items included, as it was at one moment. It MUST NOT queue behind single
    /// reads, because many readers wait for its result.
    async fn load(&self) -> Result<WholeMenu, Unavailable>;
}
