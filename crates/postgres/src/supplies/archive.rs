use comanda_domain::{AccountId, AuditAction, AuditRecord, SupplyId, Timestamp, ports::ArchiveSupplyError};
use diesel::OptionalExtension;

use super::row::{Changes, SupplyRow};
use crate::{
    database::{Database, Named},
    menu::users_of_supply,
    operations::write_record,
    stocked::{Setback, at_revision, write},
};

pub(super) async fn archive(
    database: &Database,
    id: SupplyId,
    revision: u32,
    archived_by: AccountId,
    at: Timestamp,
) -> Result<(), ArchiveSupplyError> {
    write(database, async move |(connection, mode)| {
        // Recipes and options that are written at the same time wait for this lock, and this waits for theirs.
        SupplyRow::lock_against_use(connection, id).await?;
        let row: SupplyRow = at_revision(SupplyRow::read(connection, id, mode).await?, revision)?;
        let used_by = users_of_supply(connection, id).await?;
        if !used_by.is_empty() {
            return Err(Setback::Refused(ArchiveSupplyError::InUse(used_by)));
        }
        let put_away = Changes { archived_at: Some(at), ..row.revised(at) };
        row.write(put_away, connection).one("supply.archive").await.optional()?.ok_or(Setback::Conflict)?;
        let (action, target) = (AuditAction::SupplyArchived, id.to_string());
        write_record(connection, &AuditRecord { actor: Some(archived_by), action, target, reason: None, at }).await?;
        Ok(())
    })
    .await
}
