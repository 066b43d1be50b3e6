use comanda_domain::{
    AccountId, AuditAction, AuditRecord, MenuItem, MenuItemId, Recipe, Timestamp, ports::ChangeRecipeError,
};

use super::{
    needs::write_needs,
    offer::raise_revision,
    recipes::{read_recipe, replace_recipe},
    stocked::with_definition,
    supplies::unknown_of_recipe,
};
use crate::{
    database::Database,
    menu::{raise_menu_version, read_row::read_row, row::MenuItemRow},
    operations::write_record,
    stocked::{Setback, at_revision, write},
};

pub(super) async fn change_recipe(
    database: &Database,
    id: MenuItemId,
    revision: u32,
    recipe: Recipe,
    changed_by: AccountId,
    at: Timestamp,
) -> Result<MenuItem, ChangeRecipeError> {
    let currency = database.currency();
    write(database, async move |(connection, mode)| {
        let row: MenuItemRow = at_revision(read_row(connection, id, mode).await?, revision)?;
        let row = if read_recipe(connection, row.id).await? == recipe {
            row
        } else {
            let raised = raise_revision(connection, &row, at).await?.ok_or(Setback::Conflict)?;
            let unknown = unknown_of_recipe(connection, &recipe, &[row.id]).await?;
            if !unknown.is_empty() {
                return Err(Setback::Refused(ChangeRecipeError::UnknownSupplies(unknown)));
            }
            replace_recipe(connection, row.id, &recipe).await?;
            write_needs(connection, &[row.id], currency).await?;
            let (action, target) = (AuditAction::MenuItemRecipeChanged, id.to_string());
            let record = AuditRecord { actor: Some(changed_by), action, target, reason: None, at };
            write_record(connection, &record).await?;
            raise_menu_version(connection).await?;
            raised
        };
        Ok(with_definition(connection, row, currency).await?)
    })
    .await
}
