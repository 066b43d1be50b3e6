//! The menu and the stock ledger.

mod add;
mod adjust_stock;
mod archive;
mod edit;
mod import;
mod item;
mod items;
mod listing;
mod load;
mod options;
mod read_row;
mod row;
mod version;
mod whole;

use async_trait::async_trait;
use comanda_domain::{
    AccountId, Idempotency, ImportedMenuItem, MenuItem, MenuItemEdit, MenuItemId, MenuPosition, NewMenuItem, Page,
    Timestamp,
    ports::{
        AddMenuItemError, AdjustStockError, ArchiveMenuItemError, EditMenuItemError, Idempotent, ImportMenuError,
        ImportSummary, LiveMenu, Menu, MenuItemsQuery, MenuListing, MenuSource, MenuVersion, StockAdjustment,
        Unavailable, WholeMenu,
    },
};

pub use self::options::PostgresOptionGroups;
pub(crate) use self::options::{Definition, SharedOptions, read_definitions, users_of_supply};
use self::options::{KeptDefinition, StockedDefinitions, forget_needs, with_definition};
pub(crate) use self::version::{
    SupplyChange, prepare_to_raise_menu_version, raise_menu_version, raise_menu_version_for_supplies,
};
use crate::Database;

/// The menu in the tables `menu_items`, `stock_adjustments` and `menu_version`.
pub struct PostgresMenu {
    database: Database,
}

impl PostgresMenu {
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl MenuSource for PostgresMenu {
    async fn version(&self) -> Result<MenuVersion, Unavailable> {
        version::version(&self.database).await
    }

    async fn succeed(&self, lost: MenuVersion) -> Result<(), Unavailable> {
        version::succeed(&self.database, lost).await
    }

    async fn load(&self) -> Result<WholeMenu, Unavailable> {
        load::load(&self.database).await
    }
}

#[async_trait]
impl LiveMenu for PostgresMenu {
    async fn whole(&self) -> Result<WholeMenu, Unavailable> {
        whole::whole(&self.database).await
    }

    async fn listing(&self) -> Result<MenuListing, Unavailable> {
        listing::listing(&self.database).await
    }

    async fn item(&self, id: MenuItemId) -> Result<Option<MenuItem>, Unavailable> {
        item::item(&self.database, id).await
    }

    async fn items(&self, query: MenuItemsQuery) -> Result<Page<MenuItem, MenuPosition>, Unavailable> {
        items::items(&self.database, query).await
    }
}

#[async_trait]
impl Menu for PostgresMenu {
    async fn add(
        &self,
        item: NewMenuItem,
        added_by: AccountId,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<MenuItem>, AddMenuItemError> {
        add::add(&self.database, item, added_by, idempotency).await
    }

    async fn edit(
        &self,
        id: MenuItemId,
        revision: u32,
        edit: MenuItemEdit,
        edited_by: AccountId,
        edited_at: Timestamp,
    ) -> Result<MenuItem, EditMenuItemError> {
        edit::edit(&self.database, id, revision, edit, edited_by, edited_at).await
    }

    async fn archive(
        &self,
        id: MenuItemId,
        revision: u32,
        archived_by: AccountId,
        archived_at: Timestamp,
    ) -> Result<(), ArchiveMenuItemError> {
        archive::archive(&self.database, id, revision, archived_by, archived_at).await
    }

    async fn adjust_stock(
        &self,
        adjustment: StockAdjustment,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<MenuItem>, AdjustStockError> {
        adjust_stock::adjust_stock(&self.database, adjustment, idempotency).await
    }

    async fn import(
        &self,
        rows: Vec<ImportedMenuItem>,
        ids: Vec<MenuItemId>,
        imported_at: Timestamp,
    ) -> Result<ImportSummary, ImportMenuError> {
        import::import(&self.database, rows, ids, imported_at).await
    }
}
