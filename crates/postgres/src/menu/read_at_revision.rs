use comanda_domain::{
    MenuItemId,
    ports::{ArchiveMenuItemError, EditMenuItemError, Unavailable},
};
use diesel_async::AsyncPgConnection;

use super::{
    conditional_write::{ReadMode, Setback, read_row},
    row::MenuItemRow,
};

/// How a change is refused that its editor decided on without seeing the menu item as it is.
pub(super) trait Unseen: From<Unavailable> {
    fn not_found() -> Self;

    fn stale(current: u32) -> Self;
}

macro_rules! unseen {
    ($($error:ident),+) => {
        $(impl Unseen for $error {
            fn not_found() -> Self {
                Self::NotFound
            }

            fn stale(current: u32) -> Self {
                Self::Stale { current }
            }
        })+
    };
}

unseen!(EditMenuItemError, ArchiveMenuItemError);

/// The row of a menu item that is still at the revision that its editor has seen.
pub(super) async fn read_at_revision<E: Unseen>(
    connection: &mut AsyncPgConnection,
    id: MenuItemId,
    revision: u32,
    mode: ReadMode,
) -> Result<MenuItemRow, Setback<E>> {
    let row = read_row(connection, id, mode).await?.ok_or_else(|| Setback::Refused(E::not_found()))?;
    match row.revision()? {
        current if current == revision => Ok(row),
        current => Err(Setback::Refused(E::stale(current))),
    }
}
