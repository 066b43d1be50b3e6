use comanda_domain::{
    AccountId, AuditAction, AuditRecord, Currency, Idempotency, MenuItem, NewMenuItem, StockedDefinition,
    ports::{AddMenuItemError, Idempotent, Readable},
};
use diesel::SelectableHelper;
use diesel_async::RunQueryDsl;

use super::{
    row::{MenuItemRow, NewMenuItemRow},
    version::raise_menu_version,
};
use crate::{
    database::{Database, Failure, Named, schema::menu_items},
    idempotency::claim,
    kitchen::{Use, lock_for_use},
    operations::write_record,
    stocked::{LedgerEntry, is_name_taken, quantity},
};

pub(super) async fn add(
    database: &Database,
    item: NewMenuItem,
    added_by: AccountId,
    idempotency: Option<Idempotency>,
) -> Result<Idempotent<MenuItem>, AddMenuItemError> {
    let currency = database.currency();
    database
        .transaction(async move |connection| {
            let claimed = claim::<MenuItemRow, _>(connection, idempotency.as_ref(), item.added_at).await?;
            let kept = match claimed.first()? {
                Ok(kept) => kept,
                Err(row) => return Ok(Idempotent { outcome: as_added(row, currency)?, replayed: true }),
            };
            if lock_for_use(connection, item.station).await? == Use::Unknown {
                return Err(Failure(AddMenuItemError::UnknownStation));
            }
            let row = diesel::insert_into(menu_items::table)
                .values(NewMenuItemRow::of(&item))
                .returning(MenuItemRow::as_returning())
                .get_result(connection)
                .one("menu.insert")
                .await
                .map_err(|error| match is_name_taken(&error) {
                    true => Failure(AddMenuItemError::NameTaken),
                    false => error.into(),
                })?;
            if let Some(first) = first_stock(&item) {
                LedgerEntry::new(row.id, Some(added_by), item.added_at, first, "first stock").write(connection).await?;
            }
            let record = AuditRecord {
                actor: Some(added_by),
                action: AuditAction::MenuItemAdded,
                target: item.id.to_string(),
                reason: None,
                at: item.added_at,
            };
            write_record(connection, &record).await?;
            raise_menu_version(connection).await?;
            kept.keep(connection, &row).await?;
            Ok(Idempotent { outcome: as_added(row, currency)?, replayed: false })
        })
        .await
}

/// It takes nothing and offers nothing yet.
fn as_added(row: MenuItemRow, currency: Currency) -> Readable<MenuItem> {
    row.into_item(StockedDefinition::default(), currency)
}

/// What the ledger begins with, if it begins at all.
pub(super) fn first_stock(item: &NewMenuItem) -> Option<i32> {
    item.stock.map(|level| quantity(level.on_hand)).filter(|on_hand| *on_hand > 0)
}
