use std::collections::HashSet;

use comanda_domain::{
    AccountId, AuditAction, AuditRecord, OptionGroup, OptionGroupEdit, OptionGroupId, OptionId, Timestamp,
    UnknownOptions,
    ports::{EditOptionGroupError, UsedBy},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{
    items::{offering, raise_revisions},
    needs::write_needs,
    row::{GroupLock, GroupRow, GroupWithOptions, read_groups},
    supplies::unknown_of_options,
    write::write_options,
};
use crate::{
    database::{
        Database, Failure, Named,
        schema::{menu_item_option_prices, menu_options, option_groups},
    },
    menu::raise_menu_version,
    operations::write_record,
    stocked::Revised,
};

pub(super) async fn edit(
    database: &Database,
    id: OptionGroupId,
    revision: u32,
    (edit, ids): (OptionGroupEdit, Vec<OptionId>),
    edited_by: AccountId,
    at: Timestamp,
) -> Result<OptionGroup, EditOptionGroupError> {
    let currency = database.currency();
    database
        .transaction(async move |connection| {
            let locked = read_groups(connection, &[id.as_uuid()], GroupLock::ToChange).await?;
            let row = locked.into_iter().next().ok_or(Failure(EditOptionGroupError::NotFound))?;
            let current = row.group.revision()?;
            if current != revision {
                return Err(Failure(EditOptionGroupError::Stale { current }));
            }
            let before = row.into_group(currency)?;
            let (name, options) = edit
                .apply_to(before.name.clone(), before.options.clone(), &ids)
                .map_err(|UnknownOptions(at)| Failure(EditOptionGroupError::UnknownOptions(at)))?;
            if (&name, &options) == (&before.name, &before.options) {
                return Ok(before);
            }
            let offering = offering(connection, id.as_uuid()).await?;
            let unmet = offering.iter().filter(|item| !item.can_be_met_by(options.len()));
            let unmet: Vec<UsedBy> = unmet.map(UsedBy::from).collect();
            if !unmet.is_empty() {
                return Err(Failure(EditOptionGroupError::InUse(unmet)));
            }
            let items: Vec<Uuid> = offering.iter().map(|item| item.id).collect();
            raise_revisions(connection, &items, at).await?;
            let unknown = unknown_of_options(connection, options.iter().map(|option| &option.details), &items).await?;
            if !unknown.is_empty() {
                return Err(Failure(EditOptionGroupError::UnknownSupplies(unknown)));
            }
            let kept: HashSet<OptionId> = options.iter().map(|option| option.id).collect();
            let left_out = before.options.iter().map(|option| option.id).filter(|id| !kept.contains(id));
            archive_options(connection, left_out.map(OptionId::as_uuid).collect(), at).await?;
            let options = write_options(connection, id.as_uuid(), &options).await?;
            let group: GroupRow = diesel::update(option_groups::table.filter(option_groups::id.eq(id.as_uuid())))
                .set((
                    option_groups::revision.eq(option_groups::revision + 1),
                    option_groups::updated_at.eq(at),
                    option_groups::name.eq(name.as_str()),
                ))
                .returning(GroupRow::as_returning())
                .get_result(connection)
                .one("option_group.edit")
                .await?;
            let (action, target) = (AuditAction::OptionGroupEdited, id.to_string());
            write_record(connection, &AuditRecord { actor: Some(edited_by), action, target, reason: None, at }).await?;
            write_needs(connection, &items, currency).await?;
            if !items.is_empty() {
                raise_menu_version(connection).await?;
            }
            Ok(GroupWithOptions { group, options }.into_group(currency)?)
        })
        .await
}

/// Archives these options. What they cost with menu items is of no use any more.
async fn archive_options(connection: &mut AsyncPgConnection, ids: Vec<Uuid>, at: Timestamp) -> QueryResult<()> {
    if ids.is_empty() {
        return Ok(());
    }
    diesel::delete(menu_item_option_prices::table.filter(menu_item_option_prices::option_id.eq_any(ids.clone())))
        .execute(connection)
        .changes("option_group.forget_prices")
        .await?;
    diesel::update(menu_options::table.filter(menu_options::id.eq_any(ids)))
        .set(menu_options::archived_at.eq(at))
        .execute(connection)
        .changes("option_group.archive_options")
        .await
        .map(drop)
}
