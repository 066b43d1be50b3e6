use std::{collections::HashMap, sync::Arc};

use comanda_domain::{
    AuditAction, AuditRecord, ImportedMenuItem, MenuItemDetails, MenuItemId, NewMenuItem, Reason, Stock, Timestamp,
    ports::{ImportMenuError, ImportSummary, Unavailable},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{
    conditional_write::{ReadMode, Setback, write},
    ledger::LedgerEntry,
    raise_version::raise_menu_version,
    row::{MenuItemRow, NewMenuItemRow, quantity},
};
use crate::{
    database::{
        Database, Named, NamedRows,
        schema::{menu_items, stock_adjustments},
    },
    operations::write_record,
};

type ImportSetback = Setback<ImportMenuError>;

const REASON: &str = "menu import";

pub(super) async fn import(
    database: &Database,
    items: Vec<ImportedMenuItem>,
    ids: Vec<MenuItemId>,
    at: Timestamp,
) -> Result<ImportSummary, ImportMenuError> {
    let (items, ids): (Arc<[_]>, Arc<[_]>) = (items.into(), ids.into());
    write(database, async move |(connection, mode)| import_once(connection, &items, &ids, at, mode).await).await
}

async fn import_once(
    connection: &mut AsyncPgConnection,
    items: &[ImportedMenuItem],
    ids: &[MenuItemId],
    at: Timestamp,
    mode: ReadMode,
) -> Result<ImportSummary, ImportSetback> {
    let mut wanted: HashMap<(String, String), &ImportedMenuItem> =
        items.iter().map(|item| (place_of(item), item)).collect();
    let mut summary = ImportSummary::default();
    // In id order, like every writer of several items, so that no two wait for each other.
    for row in existing(connection, items, mode).await? {
        let Some(item) = wanted.remove(&(row.category.clone(), row.name.clone())) else { continue };
        if update(connection, &row, item, at).await? {
            summary.changed += 1;
        } else {
            summary.unchanged += 1;
        }
    }

    let missing: Vec<NewMenuItem> = items
        .iter()
        .zip(ids)
        .filter(|(item, _)| wanted.contains_key(&place_of(item)))
        .map(|(item, &id)| new_item(item, id, at))
        .collect::<Result<_, _>>()
        .map_err(|error| ImportSetback::Refused(error.into()))?;
    summary.added = missing.len();
    insert(connection, &missing).await?;
    if summary.added + summary.changed > 0 {
        raise_menu_version(connection).await?;
    }
    Ok(summary)
}

/// The category and name that decide which menu item a row of the file is about.
fn place_of(item: &ImportedMenuItem) -> (String, String) {
    (item.category.as_str().to_owned(), item.name.as_str().to_owned())
}

async fn existing(
    connection: &mut AsyncPgConnection,
    items: &[ImportedMenuItem],
    mode: ReadMode,
) -> QueryResult<Vec<MenuItemRow>> {
    let names: Vec<&str> = items.iter().map(|item| item.name.as_str()).collect();
    let rows = menu_items::table
        .filter(menu_items::name.eq_any(names).and(menu_items::archived_at.is_null()))
        .order(menu_items::id)
        .select(MenuItemRow::as_select());
    match mode {
        ReadMode::Unlocked => rows.load(connection).rows("menu.import.find").await,
        ReadMode::Locked => rows.for_no_key_update().load(connection).rows("menu.import.lock").await,
    }
}

/// Whether anything had to be changed.
async fn update(
    connection: &mut AsyncPgConnection,
    row: &MenuItemRow,
    item: &ImportedMenuItem,
    at: Timestamp,
) -> Result<bool, ImportSetback> {
    let price = item.price.money().amount();
    let details_change = row.price != price || row.description != item.description.as_str();
    let delta = quantity(item.stock) - row.stock;
    if !details_change && delta == 0 {
        return Ok(false);
    }
    let (revision, updated_at) = if details_change { (row.revision + 1, at) } else { (row.revision, row.updated_at) };
    let updated = diesel::update(menu_items::table)
        .filter(menu_items::id.eq(row.id).and(menu_items::version.eq(row.version)))
        .set((
            menu_items::version.eq(row.version + 1),
            menu_items::revision.eq(revision),
            menu_items::updated_at.eq(updated_at),
            menu_items::price.eq(price),
            menu_items::description.eq(item.description.as_str()),
            menu_items::stock.eq(quantity(item.stock)),
        ))
        .execute(connection)
        .changes("menu.import.update")
        .await?;
    if updated == 0 {
        return Err(ImportSetback::Conflict);
    }
    if details_change {
        write_record(connection, &audit_record(AuditAction::MenuItemEdited, row.id, at)).await?;
    }
    if delta != 0 {
        write_record(connection, &audit_record(AuditAction::StockAdjusted, row.id, at)).await?;
        LedgerEntry::new(row.id, None, at, delta, REASON).write(connection).await?;
    }
    Ok(true)
}

fn new_item(item: &ImportedMenuItem, id: MenuItemId, added_at: Timestamp) -> Result<NewMenuItem, Unavailable> {
    let details = MenuItemDetails {
        name: item.name.clone(),
        description: item.description.clone(),
        category: item.category.clone(),
        price: item.price,
        low_stock_at: Stock::new(MenuItemDetails::DEFAULT_LOW_STOCK_AT).map_err(Unavailable::new)?,
        active: true,
    };
    Ok(NewMenuItem { id, details, stock: item.stock, added_at })
}

async fn insert(connection: &mut AsyncPgConnection, items: &[NewMenuItem]) -> QueryResult<()> {
    let rows: Vec<NewMenuItemRow> = items.iter().map(NewMenuItemRow::of).collect();
    diesel::insert_into(menu_items::table).values(rows).execute(connection).changes("menu.insert").await?;
    let entries: Vec<LedgerEntry> = items
        .iter()
        .filter(|item| item.stock.get() > 0)
        .map(|item| LedgerEntry::new(item.id.as_uuid(), None, item.added_at, quantity(item.stock), REASON))
        .collect();
    diesel::insert_into(stock_adjustments::table)
        .values(entries)
        .execute(connection)
        .changes("menu.insert_adjustment")
        .await?;
    for item in items {
        write_record(connection, &audit_record(AuditAction::MenuItemAdded, item.id.as_uuid(), item.added_at)).await?;
    }
    Ok(())
}

/// An import runs on the server itself, by an operator without an account.
fn audit_record(action: AuditAction, item: Uuid, at: Timestamp) -> AuditRecord {
    AuditRecord { actor: None, action, target: item.to_string(), reason: Reason::new(REASON).ok(), at }
}
