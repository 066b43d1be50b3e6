//! The menu and the stock ledger.

mod adjust;
mod conditional_write;
mod edit;
mod import;
mod read;
mod row;
mod version;

use async_trait::async_trait;
use comanda_domain::{
    Timestamp,
    ids::{AccountId, MenuItemId},
    menu_item::{ImportedMenuItem, MenuItem, MenuItemEdit, NewMenuItem},
    money::Currency,
    page::Page,
    ports::{
        AdjustStockError, EditMenuItemError, ImportMenuError, ImportSummary, Menu, MenuItemsQuery, StockAdjustment,
        Unavailable, WholeMenu,
    },
};

pub(crate) use self::version::raise_menu_version;
use crate::{Database, database::spawn_transaction};

/// The menu in the tables `menu_items`, `stock_adjustments` and `menu_version`.
#[derive(Clone)]
pub struct PostgresMenu {
    database: Database,
    currency: Currency,
}

impl PostgresMenu {
    /// `currency` is the deployment's: the tables hold bare minor units.
    pub fn new(database: Database, currency: Currency) -> Self {
        Self { database, currency }
    }
}

#[async_trait]
impl Menu for PostgresMenu {
    async fn version(&self) -> Result<u64, Unavailable> {
        version::version(&self.database).await
    }

    async fn whole(&self) -> Result<WholeMenu, Unavailable> {
        let mut connection = self.database.read_connection().await?;
        read::whole(&mut connection, self.currency).await
    }

    async fn whole_to_copy(&self) -> Result<WholeMenu, Unavailable> {
        // One of those that no flood of reads can take.
        let mut connection = self.database.connection().await?;
        read::whole(&mut connection, self.currency).await
    }

    async fn item(&self, id: MenuItemId) -> Result<Option<MenuItem>, Unavailable> {
        read::item(&self.database, self.currency, id).await
    }

    async fn items(&self, query: MenuItemsQuery) -> Result<Page<MenuItem>, Unavailable> {
        read::items(&self.database, self.currency, query).await
    }

    async fn add(&self, item: NewMenuItem, added_by: AccountId) -> Result<MenuItem, Unavailable> {
        let menu = self.clone();
        spawn_transaction(&self.database, async move { menu.add_item(item, added_by).await }).await
    }

    async fn edit(
        &self,
        id: MenuItemId,
        revision: u32,
        edit: MenuItemEdit,
        edited_by: AccountId,
        edited_at: Timestamp,
    ) -> Result<MenuItem, EditMenuItemError> {
        let menu = self.clone();
        let work = async move { menu.edit_item(id, revision, edit, edited_by, edited_at).await };
        spawn_transaction(&self.database, work).await
    }

    async fn archive(
        &self,
        id: MenuItemId,
        revision: u32,
        archived_by: AccountId,
        archived_at: Timestamp,
    ) -> Result<(), EditMenuItemError> {
        let menu = self.clone();
        let work = async move { menu.archive_item(id, revision, archived_by, archived_at).await };
        spawn_transaction(&self.database, work).await
    }

    async fn adjust_stock(&self, adjustment: StockAdjustment) -> Result<MenuItem, AdjustStockError> {
        let menu = self.clone();
        spawn_transaction(&self.database, async move { menu.adjust(adjustment).await }).await
    }

    async fn import(
        &self,
        rows: Vec<ImportedMenuItem>,
        ids: Vec<MenuItemId>,
        imported_at: Timestamp,
    ) -> Result<ImportSummary, ImportMenuError> {
        let menu = self.clone();
        spawn_transaction(&self.database, async move { menu.import_rows(rows, ids, imported_at).await }).await
    }
}
