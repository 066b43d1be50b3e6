use comanda_domain::{
    AccountId, AuditAction, AuditRecord, OptionGroupId, Timestamp,
    ports::{ArchiveOptionGroupError, UsedBy},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{
    items::offering,
    row::{GroupLock, read_groups},
};
use crate::{
    database::{
        Database, Failure, Named,
        schema::{menu_options, option_groups},
    },
    operations::write_record,
    stocked::Revised,
};

pub(super) async fn archive(
    database: &Database,
    id: OptionGroupId,
    revision: u32,
    archived_by: AccountId,
    at: Timestamp,
) -> Result<(), ArchiveOptionGroupError> {
    database
        .transaction(async move |connection| {
            let locked = read_groups(connection, &[id.as_uuid()], GroupLock::ToChange).await?;
            let row = locked.into_iter().next().ok_or(Failure(ArchiveOptionGroupError::NotFound))?;
            let current = row.group.revision()?;
            if current != revision {
                return Err(Failure(ArchiveOptionGroupError::Stale { current }));
            }
            let used_by: Vec<UsedBy> = offering(connection, id.as_uuid()).await?.iter().map(UsedBy::from).collect();
            if !used_by.is_empty() {
                return Err(Failure(ArchiveOptionGroupError::InUse(used_by)));
            }
            diesel::update(option_groups::table.filter(option_groups::id.eq(id.as_uuid())))
                .set((
                    option_groups::revision.eq(option_groups::revision + 1),
                    option_groups::updated_at.eq(at),
                    option_groups::archived_at.eq(at),
                ))
                .execute(connection)
                .changes("option_group.archive")
                .await?;
            // So that they keep no supply in use.
            let options = menu_options::group_id.eq(id.as_uuid()).and(menu_options::archived_at.is_null());
            diesel::update(menu_options::table.filter(options))
                .set(menu_options::archived_at.eq(at))
                .execute(connection)
                .changes("option_group.archive_all_options")
                .await?;
            let (action, target) = (AuditAction::OptionGroupArchived, id.to_string());
            write_record(connection, &AuditRecord { actor: Some(archived_by), action, target, reason: None, at })
                .await?;
            Ok(())
        })
        .await
}
