//! A write returns once this process shows the change.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use comanda_domain::{
    AccountId, Idempotency, ImportedMenuItem, MenuItem, MenuItemEdit, MenuItemId, NewMenuItem, Timestamp,
    ports::{
        AddMenuItemError, AdjustStockError, ArchiveMenuItemError, EditMenuItemError, Idempotent, ImportMenuError,
        ImportSummary, Menu, StockAdjustment, Unavailable,
    },
};
use tracing::Instrument;

use crate::CachedMenu;

impl CachedMenu {
    /// Carries out a write and shows its result, whether or not the caller still waits.
    pub(crate) async fn write<T, E>(&self, write: impl Future<Output = Result<T, E>> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
    {
        let refresher = Arc::clone(&self.0);
        let whole = async move {
            #[cfg(feature = "planted")]
            refresher.publish_before_commit().await;
            let outcome = write.await;
            // Also after a failure: the write may have happened and only its response may be lost.
            let shown = refresher.show_own_change(Instant::now()).await;
            if !shown && outcome.is_ok() {
                tracing::warn!("the menu was changed but cannot be loaded; readers wait until it can");
                if let Some(snapshot) = refresher.current.snapshot() {
                    snapshot.mark_outdated();
                }
            }
            outcome
        };
        let task = self.0.runtime.spawn(comanda_task::caught(whole).in_current_span());
        comanda_task::finished(task).await.unwrap_or_else(|gone| Err(Unavailable::new(gone).into()))
    }
}

#[async_trait]
impl Menu for CachedMenu {
    async fn add(
        &self,
        item: NewMenuItem,
        added_by: AccountId,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<MenuItem>, AddMenuItemError> {
        let menu = Arc::clone(&self.0.menu);
        self.write(async move { menu.add(item, added_by, idempotency).await }).await
    }

    async fn edit(
        &self,
        id: MenuItemId,
        revision: u32,
        edit: MenuItemEdit,
        edited_by: AccountId,
        edited_at: Timestamp,
    ) -> Result<MenuItem, EditMenuItemError> {
        let menu = Arc::clone(&self.0.menu);
        self.write(async move { menu.edit(id, revision, edit, edited_by, edited_at).await }).await
    }

    async fn archive(
        &self,
        id: MenuItemId,
        revision: u32,
        archived_by: AccountId,
        archived_at: Timestamp,
    ) -> Result<(), ArchiveMenuItemError> {
        let menu = Arc::clone(&self.0.menu);
        self.write(async move { menu.archive(id, revision, archived_by, archived_at).await }).await
    }

    async fn adjust_stock(
        &self,
        adjustment: StockAdjustment,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<MenuItem>, AdjustStockError> {
        let menu = Arc::clone(&self.0.menu);
        self.write(async move { menu.adjust_stock(adjustment, idempotency).await }).await
    }

    async fn import(
        &self,
        rows: Vec<ImportedMenuItem>,
        ids: Vec<MenuItemId>,
        imported_at: Timestamp,
    ) -> Result<ImportSummary, ImportMenuError> {
        let menu = Arc::clone(&self.0.menu);
        self.write(async move { menu.import(rows, ids, imported_at).await }).await
    }
}
