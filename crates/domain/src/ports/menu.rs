use async_trait::async_trait;
use thiserror::Error;
use uuid::Uuid;

use crate::{
    AccountId, FieldRefused, Idempotency, ImportedMenuItem, KeyRefusal, MenuItem, MenuItemEdit, MenuItemId,
    NewMenuItem, NotCounted, Reason, StockChangeRefused, StockDelta, Timestamp,
};

use super::{Idempotent, Unavailable};

/// A line of versions of the menu, which the database names at random. It begins another one when it is in another
/// place, or says less than it did: numbers may then stand for other menus than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MenuEpoch(Uuid);

impl MenuEpoch {
    /// From the id that the database has for it.
    pub const fn new(id: Uuid) -> Self {
        Self(id)
    }

    /// The id that the database has for it.
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

/// Which of all menus that were ever shown one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MenuVersion {
    /// The epoch in which it was read.
    pub epoch: MenuEpoch,
    /// Raised in the transaction of every change that customers can see.
    pub number: u64,
}

impl MenuVersion {
    /// How far above a database's number that of a version may be which it has lost: more than all changes of any menu.
    pub const FARTHEST_LOST: u64 = 1 << 40;

    /// Whether a database at this version may have lost that one.
    pub fn could_follow(self, lost: Self) -> bool {
        lost.number <= self.number.saturating_add(Self::FARTHEST_LOST)
    }

    /// Whether a database has lost this version if it said `current` to somebody who asked after this one was read.
    pub fn is_lost_at(self, current: Self) -> bool {
        self.epoch != current.epoch || self.number > current.number
    }
}

/// Every menu item that is not archived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeMenu {
    /// The version that these items make up.
    pub version: MenuVersion,
    /// Sorted by category, then name, then id.
    pub items: Vec<MenuItem>,
}

/// Why a menu item was not added.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum AddMenuItemError {
    /// Its category has a menu item of this name.
    #[error("the category has a menu item of this name already")]
    NameTaken,
    /// There is no such station, or it is archived.
    #[error("no such station")]
    UnknownStation,
    /// The key is not free.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a menu item was not edited.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum EditMenuItemError {
    /// There is no such menu item, or it is archived.
    #[error("no such menu item")]
    NotFound,
    /// Somebody changed it after the revision the caller had seen.
    #[error("the menu item was changed meanwhile; it is at revision {current}")]
    Stale {
        /// Its revision now.
        current: u32,
    },
    /// Its category has another menu item of this name.
    #[error("the category has another menu item of this name")]
    NameTaken {
        /// Whether the edit gives it another name. If not, it puts it into another category.
        renamed: bool,
    },
    /// It has a low-stock threshold, and the menu item is not counted.
    #[error(transparent)]
    NotCounted(#[from] NotCounted),
    /// There is no such station, or it is archived.
    #[error("no such station")]
    UnknownStation,
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a menu item was not archived.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum ArchiveMenuItemError {
    /// There is no such menu item, or it is archived.
    #[error("no such menu item")]
    NotFound,
    /// Somebody changed it after the revision the caller had seen.
    #[error("the menu item was changed meanwhile; it is at revision {current}")]
    Stale {
        /// Its revision now.
        current: u32,
    },
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A change of a stock by staff: a delivery, a breakage, a correction. That of a menu item, unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockAdjustment<I = MenuItemId, C = StockDelta> {
    /// The id of what is stocked.
    pub of: I,
    /// What happens to the stock.
    pub change: C,
    /// The reason, which the ledger keeps.
    pub reason: Reason,
    /// The member of staff who adjusts it.
    pub adjusted_by: AccountId,
    /// The time of the adjustment, in whole milliseconds.
    pub adjusted_at: Timestamp,
}

/// Why a stock was not adjusted.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum AdjustStockError {
    /// There is no such menu item, or it is archived.
    #[error("no such menu item")]
    NotFound,
    /// It would go below zero.
    #[error("only {available} are left")]
    InsufficientStock {
        /// The quantity on hand.
        available: u32,
    },
    /// It would go above [`crate::Stock::MAX`].
    #[error("the stock would exceed {}", crate::Stock::MAX)]
    TooMuch,
    /// There is no stock to adjust.
    #[error(transparent)]
    NotCounted(#[from] NotCounted),
    /// The key is not free.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<StockChangeRefused> for AdjustStockError {
    fn from(refused: StockChangeRefused) -> Self {
        match refused {
            StockChangeRefused::Insufficient { available, .. } => Self::InsufficientStock { available },
            StockChangeRefused::TooMuch => Self::TooMuch,
        }
    }
}

/// What an import of menu items or of supplies did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportSummary {
    /// How many were added.
    pub added: usize,
    /// How many changed, in their details or their stock.
    pub changed: usize,
    /// How many were already as the file has them.
    pub unchanged: usize,
}

/// Why nothing was imported.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum ImportMenuError {
    /// The rows at these positions would give a menu item the name of another in its category.
    #[error("rows {0:?} would give a menu item the name of another in its category")]
    NamesTaken(Vec<usize>),
    /// Each the position of a row, and what is wrong with it.
    #[error("values that cannot be imported, by row: {0:?}")]
    Refused(Vec<(usize, FieldRefused)>),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Changes the menu and its stock.
///
/// Within a category a name stands for one menu item, whatever its case, unless it stood for several before that became
/// a rule. None of these lets it be given again. Archived menu items do not count.
///
/// Edits and adjustments read without locks, and write only if the item's `version` is still the one they read. If
/// another writer was faster they try again, for a few seconds at most.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Menu: Send + Sync {
    /// Adds a menu item and, if it is counted, enters its first stock into the ledger.
    async fn add(
        &self,
        item: NewMenuItem,
        added_by: AccountId,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<MenuItem>, AddMenuItemError>;

    /// Edits a menu item that is still at `revision`. An edit that changes nothing MUST NOT raise the revision.
    async fn edit(
        &self,
        id: MenuItemId,
        revision: u32,
        edit: MenuItemEdit,
        edited_by: AccountId,
        edited_at: Timestamp,
    ) -> Result<MenuItem, EditMenuItemError>;

    /// Takes a menu item that is still at `revision` off the menu for good. Old orders keep it.
    async fn archive(
        &self,
        id: MenuItemId,
        revision: u32,
        archived_by: AccountId,
        archived_at: Timestamp,
    ) -> Result<(), ArchiveMenuItemError>;

    /// Adjusts a stock and enters it into the ledger.
    async fn adjust_stock(
        &self,
        adjustment: StockAdjustment,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<MenuItem>, AdjustStockError>;

    /// Brings the menu items that the rows are about (see [`crate::match_import`]) to what the rows say and adds those
    /// that are missing, all or nothing. No id is on several rows. A missing one gets the row's id or, if the row has
    /// none or an archived menu item has it, the one of `ids` at the row's position. Other menu items stay as they are.
    ///
    /// The ledger of what is not counted any more ends with nothing, and that of what is counted again begins anew.
    async fn import(
        &self,
        rows: Vec<ImportedMenuItem>,
        ids: Vec<MenuItemId>,
        imported_at: Timestamp,
    ) -> Result<ImportSummary, ImportMenuError>;
}
