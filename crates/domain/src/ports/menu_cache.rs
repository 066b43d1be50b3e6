use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{Availability, Category, MenuItem, MenuItemId, Timestamp};

use super::{Unavailable, WholeMenu};

/// A menu that was loaded from the store at some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuCopy {
    /// What was loaded.
    pub menu: Arc<WholeMenu>,
    /// When, in whole milliseconds, by the loader's clock.
    pub loaded_at: Timestamp,
    /// How long loading took: what says how early a copy is better renewed.
    pub load_took: Duration,
}

/// What a new version changes of the items' own entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemChanges {
    /// All of them: none of the entries there may be is trusted.
    Everything,
    /// Only these; the entries of all others are right as they are.
    Partial {
        /// Added, or different from before.
        changed: Vec<MenuItemId>,
        /// Not on the menu any more.
        gone: Vec<MenuItemId>,
    },
}

/// What groups items.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MenuTag {
    /// The items under a heading.
    Category(Category),
    /// The items customers are told this of.
    Availability(Availability),
}

/// The right to load the menu for everybody; goes back by [`MenuCache::return_lease`], or by itself after some seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadLease(pub String);

/// What servers tell each other of the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MenuNews {
    /// There is a copy of this version.
    Version(u64),
    /// No copy is to be trusted.
    Renew,
    /// Something may have been told that was not heard.
    PerhapsMissed,
}

/// Hears the news. It MUST return at once.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait MenuNewsReader: Send + Sync {
    /// In the order in which they were told.
    fn heard(&self, news: MenuNews);
}

/// Copies of the menu that all servers share. It may lose everything at any moment.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait MenuCache: Send + Sync {
    /// The newest version that was published.
    async fn version(&self) -> Result<Option<u64>, Unavailable>;

    /// The copy of the newest version.
    async fn whole(&self) -> Result<Option<MenuCopy>, Unavailable>;

    /// An item's own entry.
    async fn item(&self, id: MenuItemId) -> Result<Option<MenuItem>, Unavailable>;

    /// Shares a copy and tells every server. What is there of a newer version MUST stay.
    async fn publish(&self, copy: &MenuCopy, changes: &ItemChanges) -> Result<(), Unavailable>;

    /// `None`: somebody else is loading. At most one lease is out at any time (Nishtala et al., "Scaling Memcache at
    /// Facebook", NSDI 2013, section 3.2.1).
    async fn take_lease(&self) -> Result<Option<LoadLease>, Unavailable>;

    /// Gives a lease back before its time.
    async fn return_lease(&self, lease: LoadLease) -> Result<(), Unavailable>;

    /// Drops the entries of the items under a tag and has every server renew its copies; says how many entries there were.
    async fn invalidate(&self, tag: &MenuTag) -> Result<u64, Unavailable>;
}
