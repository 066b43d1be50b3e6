use async_trait::async_trait;

use super::{MenuVersion, Unavailable, WholeMenu};

/// The menu as the database has it, for the loader of the copies that customers read ([`super::PublicMenu`]).
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait MenuSource: Send + Sync {
    /// The menu's current version: what [`WholeMenu::version`] would be if the menu were loaded now.
    ///
    /// The first call, of this or of [`MenuSource::load`], that finds the database in another place (restored, moved or
    /// failed over) MUST begin another epoch.
    async fn version(&self) -> Result<MenuVersion, Unavailable>;

    /// Raises the number of the menu's version above that of a version which is lost, unless it is above it already or
    /// the version is not lost. Whoever goes by the number then follows the database again. A number that is more than
    /// [`MenuVersion::FARTHEST_LOST`] above MUST change nothing: it is no version that any database was at.
    async fn succeed(&self, lost: MenuVersion) -> Result<(), Unavailable>;

    /// Loads the whole menu, inactive menu items included, as it was at one moment. It MUST NOT queue behind single
    /// reads, because many readers wait for its result.
    async fn load(&self) -> Result<WholeMenu, Unavailable>;
}
