//! The supplies and their ledger.

mod add;
mod adjust;
mod archive;
mod edit;
mod import;
mod list;
mod listing;
mod row;
mod supply;

use async_trait::async_trait;
use comanda_domain::{
    AccountId, Idempotency, ImportedSupply, NewSupply, Page, Supply, SupplyEdit, SupplyId, SupplyPosition, Timestamp,
    ports::{
        AddSupplyError, AdjustSupplyError, ArchiveSupplyError, EditSupplyError, Idempotent, ImportSummary,
        ImportSuppliesError, Supplies, SuppliesQuery, SupplyAdjustment, SupplyList, SupplyListing, Unavailable,
    },
};

use crate::Database;

/// The supplies in the tables `supplies` and `supply_adjustments`.
pub struct PostgresSupplies {
    database: Database,
}

impl PostgresSupplies {
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl SupplyList for PostgresSupplies {
    async fn supply(&self, id: SupplyId) -> Result<Option<Supply>, Unavailable> {
        supply::supply(&self.database, id).await
    }

    async fn supplies(&self, query: SuppliesQuery) -> Result<Page<Supply, SupplyPosition>, Unavailable> {
        list::list(&self.database, query).await
    }

    async fn listing(&self) -> Result<SupplyListing, Unavailable> {
        listing::listing(&self.database).await
    }
}

#[async_trait]
impl Supplies for PostgresSupplies {
    async fn add(
        &self,
        supply: NewSupply,
        added_by: AccountId,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<Supply>, AddSupplyError> {
        add::add(&self.database, supply, added_by, idempotency).await
    }

    async fn edit(
        &self,
        id: SupplyId,
        revision: u32,
        edit: SupplyEdit,
        edited_by: AccountId,
        edited_at: Timestamp,
    ) -> Result<Supply, EditSupplyError> {
        edit::edit(&self.database, id, revision, edit, edited_by, edited_at).await
    }

    async fn archive(
        &self,
        id: SupplyId,
        revision: u32,
        archived_by: AccountId,
        archived_at: Timestamp,
    ) -> Result<(), ArchiveSupplyError> {
        archive::archive(&self.database, id, revision, archived_by, archived_at).await
    }

    async fn adjust(
        &self,
        adjustment: SupplyAdjustment,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<Supply>, AdjustSupplyError> {
        adjust::adjust(&self.database, adjustment, idempotency).await
    }

    async fn import(
        &self,
        rows: Vec<ImportedSupply>,
        ids: Vec<SupplyId>,
        imported_at: Timestamp,
    ) -> Result<ImportSummary, ImportSuppliesError> {
        import::import(&self.database, rows, ids, imported_at).await
    }
}
