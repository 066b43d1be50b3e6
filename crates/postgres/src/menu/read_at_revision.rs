use comanda_domain::{MenuItemId, ports::EditMenuItemError};
use diesel_async::AsyncPgConnection;

use super::{
    conditional_write::{ReadMode, Setback, read_row},
    row::MenuItemRow,
};

/// The row of a menu item that is still at the revision that its editor has seen.
pub(super) async fn read_at_revision(
    connection: &mut AsyncPgConnection,
    id: MenuItemId,
    revision: u32,
    mode: ReadMode,
) -> Result<MenuItemRow, Setback<EditMenuItemError>> {
    let row = read_row(connection, id, mode).await?.ok_or(Setback::Refused(EditMenuItemError::NotFound))?;
    match row.revision()? {
        current if current == revision => Ok(row),
        current => Err(Setback::Refused(EditMenuItemError::Stale { current })),
    }
}
