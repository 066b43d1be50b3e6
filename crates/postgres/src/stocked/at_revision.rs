use comanda_domain::ports::{
    ArchiveMenuItemError, ArchiveSupplyError, ChangeRecipeError, EditMenuItemError, EditSupplyError, OfferGroupsError,
    Readable, Unavailable,
};

use super::Setback;

/// How a change is refused that its editor decided on without seeing the row as it is.
pub(crate) trait Unseen: From<Unavailable> {
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

unseen!(EditMenuItemError, ArchiveMenuItemError, OfferGroupsError, ChangeRecipeError);
unseen!(EditSupplyError, ArchiveSupplyError);

/// A row that has a revision.
pub(crate) trait Revised {
    /// What an `ETag` shows.
    fn revision(&self) -> Readable<u32>;
}

/// The row that was read, if it is still at the revision that its editor has seen.
pub(crate) fn at_revision<R: Revised, E: Unseen>(row: Option<R>, revision: u32) -> Result<R, Setback<E>> {
    let row = row.ok_or_else(|| Setback::Refused(E::not_found()))?;
    match row.revision()? {
        current if current == revision => Ok(row),
        current => Err(Setback::Refused(E::stale(current))),
    }
}
