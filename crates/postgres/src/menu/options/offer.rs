use std::collections::HashMap;

use comanda_domain::{
    AccountId, AuditAction, AuditRecord, Currency, GroupOffers, MenuItem, MenuItemId, OptionGroup, OptionGroupId,
    Timestamp,
    ports::{OfferGroupsError, Readable},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{
    needs::write_needs,
    offers::{read_offers, replace_offers},
    row::{GroupLock, GroupWithOptions, read_groups},
    stocked::with_definition,
    supplies::unknown_of_options,
};
use crate::{
    database::{Database, Named, schema::menu_items},
    menu::{raise_menu_version, read_row::read_row, row::MenuItemRow},
    operations::write_record,
    stocked::{Setback, at_revision, write},
};

pub(super) async fn offer(
    database: &Database,
    id: MenuItemId,
    revision: u32,
    offers: GroupOffers,
    changed_by: AccountId,
    at: Timestamp,
) -> Result<MenuItem, OfferGroupsError> {
    let currency = database.currency();
    write(database, async move |(connection, mode)| {
        // Before the menu item: whoever changes a group locks it, and then the menu items that offer it.
        let ids: Vec<Uuid> = offers.as_slice().iter().map(|offer| offer.group_id.as_uuid()).collect();
        let groups = read_groups(connection, &ids, GroupLock::ToOffer).await?;
        let groups = by_id(groups, currency)?;
        let row: MenuItemRow = at_revision(read_row(connection, id, mode).await?, revision)?;
        let faults = offers.faults(&groups);
        if !faults.is_empty() {
            return Err(Setback::Refused(OfferGroupsError::Impossible(faults)));
        }
        let before = read_offers(connection, row.id, currency).await?;
        let row = if before == offers {
            row
        } else {
            let raised = raise_revision(connection, &row, at).await?.ok_or(Setback::Conflict)?;
            let options = groups.values().flat_map(|group| &group.options).map(|option| &option.details);
            unknown_of_options(connection, options, &[row.id]).await?;
            replace_offers(connection, row.id, &offers).await?;
            write_needs(connection, &[row.id], currency).await?;
            let (action, target) = (AuditAction::MenuItemOptionsChanged, id.to_string());
            let record = AuditRecord { actor: Some(changed_by), action, target, reason: None, at };
            write_record(connection, &record).await?;
            raise_menu_version(connection).await?;
            raised
        };
        Ok(with_definition(connection, row, currency).await?)
    })
    .await
}

fn by_id(groups: Vec<GroupWithOptions>, currency: Currency) -> Readable<HashMap<OptionGroupId, OptionGroup>> {
    let group = |row: GroupWithOptions| row.into_group(currency).map(|group| (group.id, group));
    groups.into_iter().map(group).collect()
}

/// The row of a menu item whose revision is raised, unless somebody else has written to it since it was read.
pub(super) async fn raise_revision(
    connection: &mut AsyncPgConnection,
    row: &MenuItemRow,
    at: Timestamp,
) -> QueryResult<Option<MenuItemRow>> {
    diesel::update(menu_items::table)
        .filter(menu_items::id.eq(row.id).and(menu_items::version.eq(row.version)))
        .set((
            menu_items::version.eq(row.version + 1),
            menu_items::revision.eq(row.revision + 1),
            menu_items::updated_at.eq(at),
        ))
        .returning(MenuItemRow::as_returning())
        .get_result(connection)
        .one("menu.raise_revision")
        .await
        .optional()
}
