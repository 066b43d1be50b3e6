use async_trait::async_trait;
use thiserror::Error;

use crate::{
    AccountId, FieldRefused, Idempotency, ImportedSupply, KeyRefusal, NewSupply, StockChange, StockChangeRefused,
    Supply, SupplyEdit, SupplyId, SupplyShortage, Timestamp,
};

use super::{Idempotent, ImportSummary, StockAdjustment, Unavailable, UsedBy};

/// Why a supply was not added.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum AddSupplyError {
    /// There is a supply of this name.
    #[error("there is a supply of this name already")]
    NameTaken,
    /// The key is not free.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a supply was not edited.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum EditSupplyError {
    /// There is no such supply, or it is archived.
    #[error("no such supply")]
    NotFound,
    /// Somebody changed it after the revision the caller had seen.
    #[error("the supply was changed meanwhile; it is at revision {current}")]
    Stale {
        /// Its revision now.
        current: u32,
    },
    /// There is another supply of this name.
    #[error("there is another supply of this name")]
    NameTaken,
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a supply was not archived.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum ArchiveSupplyError {
    /// There is no such supply, or it is archived.
    #[error("no such supply")]
    NotFound,
    /// Somebody changed it after the revision the caller had seen.
    #[error("the supply was changed meanwhile; it is at revision {current}")]
    Stale {
        /// Its revision now.
        current: u32,
    },
    /// Recipes or options use it.
    #[error("recipes or options use the supply")]
    InUse(Vec<UsedBy>),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A change of a supply's stock by staff: a delivery, a breakage, a stock-take.
pub type SupplyAdjustment = StockAdjustment<SupplyId, StockChange>;

/// Why a supply's stock was not adjusted.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum AdjustSupplyError {
    /// There is no such supply, or it is archived.
    #[error("no such supply")]
    NotFound,
    /// The stock would go below zero.
    #[error("only {} are left", .0.available)]
    InsufficientStock(SupplyShortage),
    /// It would go above [`crate::Stock::MAX`].
    #[error("the stock would exceed {}", crate::Stock::MAX)]
    TooMuch,
    /// The key is not free.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl AdjustSupplyError {
    /// Why the stock of this supply cannot be changed so.
    pub fn refused(supply: Supply, why: StockChangeRefused) -> Self {
        match why {
            StockChangeRefused::Insufficient { requested, available } => {
                let (supply_id, name) = (supply.id, supply.details.name);
                Self::InsufficientStock(SupplyShortage { supply_id, name, requested: requested.into(), available })
            }
            StockChangeRefused::TooMuch => Self::TooMuch,
        }
    }
}

/// Why nothing was imported.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum ImportSuppliesError {
    /// The rows at these positions would give a supply the name of another.
    #[error("rows {0:?} would give a supply the name of another")]
    NamesTaken(Vec<usize>),
    /// Each the position of a row, and what is wrong with it.
    #[error("values that cannot be imported, by row: {0:?}")]
    Refused(Vec<(usize, FieldRefused)>),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Changes supplies and their stock.
///
/// A name stands for one supply, whatever its case. Archived supplies do not count.
///
/// Edits and adjustments read without locks, and write only if the supply's `version` is still the one they read. If
/// another writer was faster they try again under the lock, for a few seconds at most.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Supplies: Send + Sync {
    /// Adds a supply and enters its first stock into the ledger.
    async fn add(
        &self,
        supply: NewSupply,
        added_by: AccountId,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<Supply>, AddSupplyError>;

    /// Edits a supply that is still at `revision`. An edit that changes nothing MUST NOT raise the revision.
    async fn edit(
        &self,
        id: SupplyId,
        revision: u32,
        edit: SupplyEdit,
        edited_by: AccountId,
        edited_at: Timestamp,
    ) -> Result<Supply, EditSupplyError>;

    /// Puts a supply that is still at `revision` away for good. What was taken of it stays on record.
    async fn archive(
        &self,
        id: SupplyId,
        revision: u32,
        archived_by: AccountId,
        archived_at: Timestamp,
    ) -> Result<(), ArchiveSupplyError>;

    /// Adjusts a stock and enters the difference into the ledger. A count of what is on record already is none: it
    /// changes nothing.
    async fn adjust(
        &self,
        adjustment: SupplyAdjustment,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<Supply>, AdjustSupplyError>;

    /// Brings the supplies that the rows are about (see [`crate::match_import`]) to what the rows say and adds those
    /// that are missing, all or nothing. No id is on several rows. A missing one gets the row's id or, if the row has
    /// none or an archived supply has it, the one of `ids` at the row's position. Other supplies stay as they are.
    async fn import(
        &self,
        rows: Vec<ImportedSupply>,
        ids: Vec<SupplyId>,
        imported_at: Timestamp,
    ) -> Result<ImportSummary, ImportSuppliesError>;
}
