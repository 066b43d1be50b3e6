use comanda_domain::{AccountId, AuditAction, AuditRecord, MenuItemId, Timestamp, ports::ArchiveMenuItemError};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{forget_needs, read_row::read_row, version::raise_menu_version};
use crate::{
    database::{Database, Named, schema::menu_items},
    operations::write_record,
    stocked::{Setback, at_revision, write},
};

pub(super) async fn archive(
    database: &Database,
    id: MenuItemId,
    revision: u32,
    archived_by: AccountId,
    archived_at: Timestamp,
) -> Result<(), ArchiveMenuItemError> {
    write(database, async move |(connection, mode)| {
        let row = at_revision(read_row(connection, id, mode).await?, revision)?;
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
            return Err(Setback::Conflict);
        }
        forget_needs(connection, &[id.as_uuid()]).await?;
        let record = AuditRecord {
            actor: Some(archived_by),
            action: AuditAction::MenuItemArchived,
            target: id.to_string(),
            reason: None,
            at: archived_at,
        };
        write_record(connection, &record).await?;
        raise_menu_version(connection).await?;
        Ok(())
    })
    .await
}
