use comanda_domain::{
    AccountId, AuditAction, AuditRecord, MenuItem, MenuItemEdit, MenuItemId, StationAssignment, StationId, Timestamp,
    ports::EditMenuItemError,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{
    read_row::read_row,
    row::{DetailsColumns, MenuItemRow},
    version::raise_menu_version,
    with_definition,
};
use crate::{
    database::{Database, Named, schema::menu_items},
    kitchen::{Use, lock_for_use},
    operations::write_record,
    stocked::{NAMES_ON_THE_MENU, Setback, at_revision, is_name_taken, quantity, take_turns, write},
};

pub(super) async fn edit(
    database: &Database,
    id: MenuItemId,
    revision: u32,
    edit: MenuItemEdit,
    edited_by: AccountId,
    edited_at: Timestamp,
) -> Result<MenuItem, EditMenuItemError> {
    let currency = database.currency();
    write(database, async move |(connection, mode)| {
        if edit.name.is_some() || edit.category.is_some() {
            take_turns(connection, NAMES_ON_THE_MENU).await?;
        }
        let own = edit.station.and_then(StationAssignment::own);
        let usable = lock_for_use(connection, own).await?;
        let row: MenuItemRow = at_revision(read_row(connection, id, mode).await?, revision)?;
        if usable == Use::Unknown {
            return Err(Setback::Refused(EditMenuItemError::UnknownStation));
        }
        let (before, stock_before) = (row.details(currency)?, row.stock()?);
        let station = edit.station.map_or(row.station(), StationAssignment::own);
        let applied = edit.apply_to(before.clone(), stock_before);
        let (after, stock) = applied.map_err(|refused| Setback::Refused(refused.into()))?;
        if after == before && stock == stock_before && station == row.station() {
            return Ok(with_definition(connection, row, currency).await?);
        }
        let changed = diesel::update(menu_items::table)
            .filter(menu_items::id.eq(row.id).and(menu_items::version.eq(row.version)))
            .set((
                menu_items::version.eq(row.version + 1),
                menu_items::revision.eq(row.revision + 1),
                menu_items::updated_at.eq(edited_at),
                menu_items::station_id.eq(station.map(StationId::as_uuid)),
                DetailsColumns::of(&after),
                stock.map(|level| menu_items::low_stock_at.eq(quantity(level.low_at))),
            ))
            .returning(MenuItemRow::as_returning())
            .get_result(connection)
            .one("menu.edit")
            .await
            .optional()
            .map_err(|error| match is_name_taken(&error) {
                true => {
                    let renamed = after.name != before.name;
                    Setback::Refused(EditMenuItemError::NameTaken { renamed })
                }
                false => error.into(),
            })?
            .ok_or(Setback::Conflict)?;
        let record = AuditRecord {
            actor: Some(edited_by),
            action: AuditAction::MenuItemEdited,
            target: id.to_string(),
            reason: None,
            at: edited_at,
        };
        write_record(connection, &record).await?;
        raise_menu_version(connection).await?;
        Ok(with_definition(connection, changed, currency).await?)
    })
    .await
}
