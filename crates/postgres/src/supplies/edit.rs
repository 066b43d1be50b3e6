use comanda_domain::{
    AccountId, AuditAction, AuditRecord, Supply, SupplyEdit, SupplyId, Timestamp, ports::EditSupplyError,
};
use diesel::OptionalExtension;

use super::row::SupplyRow;
use crate::{
    database::{Database, Named},
    menu::raise_menu_version_for_supplies,
    operations::write_record,
    stocked::{NAMES_OF_SUPPLIES, Setback, at_revision, is_name_taken, take_turns, write},
};

pub(super) async fn edit(
    database: &Database,
    id: SupplyId,
    revision: u32,
    edit: SupplyEdit,
    edited_by: AccountId,
    at: Timestamp,
) -> Result<Supply, EditSupplyError> {
    write(database, async move |(connection, mode)| {
        if edit.name.is_some() {
            take_turns(connection, NAMES_OF_SUPPLIES).await?;
        }
        let row: SupplyRow = at_revision(SupplyRow::read(connection, id, mode).await?, revision)?;
        let before = row.clone().into_supply()?;
        let after = edit.apply_to(before.details.clone());
        if after == before.details {
            return Ok(before);
        }
        let edited = match row.write(row.with_details(&after, at), connection).one("supply.edit").await.optional() {
            Err(error) if is_name_taken(&error) => return Err(Setback::Refused(EditSupplyError::NameTaken)),
            written => written?.ok_or(Setback::Conflict)?,
        };
        let (action, target) = (AuditAction::SupplyEdited, id.to_string());
        write_record(connection, &AuditRecord { actor: Some(edited_by), action, target, reason: None, at }).await?;
        raise_menu_version_for_supplies(connection, [row.change_to(&edited)]).await?;
        Ok(edited.into_supply()?)
    })
    .await
}
