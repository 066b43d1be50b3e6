//! Whoever changes how much there is of a supply is told once this process shows what follows from it.

use std::sync::Arc;

use async_trait::async_trait;
use comanda_domain::{
    AccountId, Idempotency, ImportedSupply, NewSupply, Supply, SupplyEdit, SupplyId, Timestamp,
    ports::{
        AddSupplyError, AdjustSupplyError, ArchiveSupplyError, EditSupplyError, Idempotent, ImportSummary,
        ImportSuppliesError, Supplies, SupplyAdjustment,
    },
};

use crate::CachedMenu;

/// Changes of supplies that go through to the menu which this process shows.
pub struct ShownSupplies {
    menu: CachedMenu,
    supplies: Arc<dyn Supplies>,
}

impl ShownSupplies {
    pub fn new(menu: CachedMenu, supplies: Arc<dyn Supplies>) -> Self {
        Self { menu, supplies }
    }
}

#[async_trait]
impl Supplies for ShownSupplies {
    /// Nothing takes of it yet.
    async fn add(
        &self,
        supply: NewSupply,
        added_by: AccountId,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<Supply>, AddSupplyError> {
        self.supplies.add(supply, added_by, idempotency).await
    }

    async fn edit(
        &self,
        id: SupplyId,
        revision: u32,
        edit: SupplyEdit,
        edited_by: AccountId,
        edited_at: Timestamp,
    ) -> Result<Supply, EditSupplyError> {
        let supplies = Arc::clone(&self.supplies);
        self.menu.write(async move { supplies.edit(id, revision, edit, edited_by, edited_at).await }).await
    }

    /// Nothing takes of it any more.
    async fn archive(
        &self,
        id: SupplyId,
        revision: u32,
        archived_by: AccountId,
        archived_at: Timestamp,
    ) -> Result<(), ArchiveSupplyError> {
        self.supplies.archive(id, revision, archived_by, archived_at).await
    }

    async fn adjust(
        &self,
        adjustment: SupplyAdjustment,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<Supply>, AdjustSupplyError> {
        let supplies = Arc::clone(&self.supplies);
        self.menu.write(async move { supplies.adjust(adjustment, idempotency).await }).await
    }

    async fn import(
        &self,
        rows: Vec<ImportedSupply>,
        ids: Vec<SupplyId>,
        imported_at: Timestamp,
    ) -> Result<ImportSummary, ImportSuppliesError> {
        let supplies = Arc::clone(&self.supplies);
        self.menu.write(async move { supplies.import(rows, ids, imported_at).await }).await
    }
}
