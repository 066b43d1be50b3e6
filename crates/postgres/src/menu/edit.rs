use comanda_domain::{
    Timestamp,
    audit::{AuditAction, AuditRecord},
    ids::{AccountId, MenuItemId},
    menu_item::{MenuItem, MenuItemEdit, NewMenuItem},
    ports::{EditMenuItemError, Unavailable},
};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use super::{
    PostgresMenu,
    conditional_write::{ReadMode, Setback, decided, read_row},
    row::{DetailsColumns, LedgerEntry, MenuItemRow, NewMenuItemRow, quantity},
    version::raise_menu_version,
};
use crate::{
    audit_log::write_record,
    database::{
        Named,
        schema::{menu_items, stock_adjustments},
    },
};

type EditSetback = Setback<EditMenuItemError>;

impl PostgresMenu {
    pub(super) async fn add_item(&self, item: NewMenuItem, added_by: AccountId) -> Result<MenuItem, Unavailable> {
        let mut connection = self.database.connection().await?;
        let row = connection
            .transaction::<_, diesel::result::Error, _>(async |connection| {
                let row = diesel::insert_into(menu_items::table)
                    .values(NewMenuItemRow::of(&item))
                    .returning(MenuItemRow::as_returning())
                    .get_result(connection)
                    .one("menu.insert")
                    .await?;
                if item.stock.get() > 0 {
                    let stock = quantity(item.stock);
                    let entry = LedgerEntry::new(row.id, Some(added_by), item.added_at, stock, "first stock");
                    diesel::insert_into(stock_adjustments::table)
                        .values(entry)
                        .execute(connection)
                        .changes("menu.insert_adjustment")
                        .await?;
                }
                write_record(connection, &audit_record(AuditAction::MenuItemAdded, item.id, added_by, item.added_at))
                    .await?;
                raise_menu_version(connection).await?;
                Ok(row)
            })
            .await
            .map_err(Unavailable::new)?;
        Ok(row.into_item(self.currency)?)
    }

    pub(super) async fn edit_item(
        &self,
        id: MenuItemId,
        revision: u32,
        edit: MenuItemEdit,
        edited_by: AccountId,
        edited_at: Timestamp,
    ) -> Result<MenuItem, EditMenuItemError> {
        let mut connection = self.database.connection().await?;
        let mut mode = ReadMode::Unlocked;
        loop {
            let attempt = connection
                .transaction(async |connection| {
                    let (row, before) = self.read_at_revision(connection, id, revision, mode).await?;
                    let after = edit.clone().apply_to(before.details.clone());
                    if after == before.details {
                        return Ok(before);
                    }
                    let changed = diesel::update(menu_items::table)
                        .filter(menu_items::id.eq(row.id).and(menu_items::version.eq(row.version)))
                        .set((
                            menu_items::version.eq(row.version + 1),
                            menu_items::revision.eq(row.revision + 1),
                            menu_items::updated_at.eq(edited_at),
                            DetailsColumns::of(&after),
                        ))
                        .returning(MenuItemRow::as_returning())
                        .get_result(connection)
                        .one("menu.edit")
                        .await
                        .optional()?
                        .ok_or(EditSetback::Conflict)?;
                    write_record(connection, &audit_record(AuditAction::MenuItemEdited, id, edited_by, edited_at))
                        .await?;
                    raise_menu_version(connection).await?;
                    Ok(changed.into_item(self.currency)?)
                })
                .await;
            if let Some(item) = decided(attempt)? {
                return Ok(item);
            }
            mode = ReadMode::Locked;
        }
    }

    pub(super) async fn archive_item(
        &self,
        id: MenuItemId,
        revision: u32,
        archived_by: AccountId,
        archived_at: Timestamp,
    ) -> Result<(), EditMenuItemError> {
        let mut connection = self.database.connection().await?;
        let mut mode = ReadMode::Unlocked;
        loop {
            let attempt = connection
                .transaction(async |connection| {
                    let (row, _) = self.read_at_revision(connection, id, revision, mode).await?;
                    let archived = diesel::update(menu_items::table)
                        .filter(menu_items::id.eq(row.id).and(menu_items::version.eq(row.version)))
                        .set((
                            menu_items::version.eq(row.version + 1),
                            menu_items::revision.eq(row.revision + 1),
                            menu_items::updated_at.eq(archived_at),
                            menu_items::archived_at.eq(archived_at),
                        ))
                        .execute(connection)
                        .changes("menu.archive")
                        .await?;
                    if archived == 0 {
                        return Err(EditSetback::Conflict);
                    }
                    write_record(
                        connection,
                        &audit_record(AuditAction::MenuItemArchived, id, archived_by, archived_at),
                    )
                    .await?;
                    raise_menu_version(connection).await?;
                    Ok(())
                })
                .await;
            if let Some(()) = decided(attempt)? {
                return Ok(());
            }
            mode = ReadMode::Locked;
        }
    }

    async fn read_at_revision(
        &self,
        connection: &mut AsyncPgConnection,
        id: MenuItemId,
        revision: u32,
        mode: ReadMode,
    ) -> Result<(MenuItemRow, MenuItem), EditSetback> {
        let row = read_row(connection, id, mode).await?.ok_or(EditSetback::Refused(EditMenuItemError::NotFound))?;
        let item = row.clone().into_item(self.currency)?;
        if item.revision == revision {
            Ok((row, item))
        } else {
            Err(EditSetback::Refused(EditMenuItemError::Stale { current: item.revision }))
        }
    }
}

fn audit_record(action: AuditAction, item: MenuItemId, by: AccountId, at: Timestamp) -> AuditRecord {
    AuditRecord { actor: Some(by), action, target: item.to_string(), reason: None, at }
}
