use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{Availability, Category, MenuItem, MenuItemId, Timestamp};

use super::{MenuEpoch, Unavailable, WholeMenu};

/// A menu that was loaded from the store at some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuCopy {
    /// The menu as it was loaded.
    pub menu: Arc<WholeMenu>,
    /// When loading began, in whole milliseconds, by the loader's clock.
    pub loaded_at: Timestamp,
    /// How long loading took. The longer it takes, the earlier a copy is renewed.
    pub load_took: Duration,
}

/// Which of the items' own entries a new version changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemChanges {
    /// All of them: no existing entry can be trusted.
    Everything,
    /// Only these; all other entries are right as they are.
    Partial {
        /// Items that were added or are different from before.
        changed: Vec<MenuItemId>,
        /// Items that are no longer on the menu.
        gone: Vec<MenuItemId>,
    },
}

/// A group of menu items that can be invalidated together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MenuTag {
    /// The items under a heading.
    Category(Category),
    /// The items that customers see with this availability.
    Availability(Availability),
}

/// The right to load the menu for all servers. It ends with [`MenuCache::return_lease`], or expires after a few
/// seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadLease(pub String);

/// What servers tell each other about the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MenuNotification {
    /// A copy of this version was published.
    Version(u64),
    /// No copy can be trusted: load the menu again.
    Invalidated,
    /// The connection was interrupted, so notifications may have been missed.
    PossiblyMissed,
}

/// Receives notifications about the menu.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait MenuSubscriber: Send + Sync {
    /// Called for each notification, in the order in which they were sent. It MUST return at once.
    fn on_notification(&self, notification: MenuNotification);
}

/// Copies of the menu that all servers share. The cache may lose everything at any moment.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait MenuCache: Send + Sync {
    /// The number of the newest version that was published, of whatever epoch.
    async fn version(&self) -> Result<Option<u64>, Unavailable>;

    /// The copy of the newest version, of whatever epoch. Callers MUST NOT show it unless the database is in that
    /// epoch, or cannot be asked.
    async fn whole(&self) -> Result<Option<MenuCopy>, Unavailable>;

    /// A menu item's own entry, if it was published in this epoch.
    async fn item(&self, id: MenuItemId, epoch: MenuEpoch) -> Result<Option<MenuItem>, Unavailable>;

    /// Stores a copy and notifies every server. Whatever is stored with a greater number MUST stay.
    async fn publish(&self, copy: &MenuCopy, changes: &ItemChanges) -> Result<(), Unavailable>;

    /// Forgets a version that no database can have been at, or whose copy is lost, so that others can be published, the
    /// items' own entries included. Nothing is forgotten if another one is the newest by now.
    async fn discard(&self, number: u64) -> Result<(), Unavailable>;

    /// Takes the lease, or returns `None` while another server holds it. At most one lease is out at any time (Nishtala
    /// et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1).
    async fn take_lease(&self) -> Result<Option<LoadLease>, Unavailable>;

    /// Returns a lease before it expires.
    async fn return_lease(&self, lease: LoadLease) -> Result<(), Unavailable>;

    /// Deletes the entries of the items under a tag and has every server renew its copies. Returns the number of
    /// deleted entries.
    async fn invalidate(&self, tag: &MenuTag) -> Result<u64, Unavailable>;
}
