//! Writing to a menu item on condition that nobody else has.

use comanda_domain::{ids::MenuItemId, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::row::MenuItemRow;
use crate::database::{InconsistentRow, Named, schema::menu_items};

/// Why a transaction did not get through.
pub(super) enum Setback<E> {
    /// Another writer raised the version between the read and the write: read again.
    Conflict,
    /// This is the answer.
    Refused(E),
}

impl<E: From<Unavailable>> From<diesel::result::Error> for Setback<E> {
    fn from(error: diesel::result::Error) -> Self {
        Self::Refused(Unavailable::new(error).into())
    }
}

impl<E: From<Unavailable>> From<InconsistentRow> for Setback<E> {
    fn from(error: InconsistentRow) -> Self {
        Self::Refused(Unavailable::from(error).into())
    }
}

/// What an attempt came to; `None` is another try with [`ReadMode::Locked`], which cannot be beaten to it again. All tries end
/// with the time limit of transactions at the latest, which is the caller's to set.
pub(super) fn decided<T, E>(attempt: Result<T, Setback<E>>) -> Result<Option<T>, E> {
    match attempt {
        Ok(written) => Ok(Some(written)),
        Err(Setback::Conflict) => Ok(None),
        Err(Setback::Refused(error)) => Err(error),
    }
}

/// How a write reads the row it is about to change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadMode {
    /// Takes no lock: nobody waits for a writer that only looks. Comes first.
    Unlocked,
    /// Queues for the row's lock. For a menu item that sells without pause an unlocked read is out of date by the time of
    /// the write, every time; queueing is what lets an editor have a turn.
    Locked,
}

/// The row, unless there is none or it is archived.
pub(super) async fn read_row(
    connection: &mut AsyncPgConnection,
    id: MenuItemId,
    mode: ReadMode,
) -> QueryResult<Option<MenuItemRow>> {
    let row = menu_items::table
        .filter(menu_items::id.eq(id.as_uuid()).and(menu_items::archived_at.is_null()))
        .select(MenuItemRow::as_select());
    match mode {
        ReadMode::Unlocked => row.first(connection).one("menu.find").await.optional(),
        ReadMode::Locked => row.for_no_key_update().first(connection).one("menu.lock").await.optional(),
    }
}
