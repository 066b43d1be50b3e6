use comanda_domain::{
    Timestamp,
    account::{Account, AccountChange},
    audit::{AuditAction, AuditRecord},
    ids::AccountId,
    ports::ChangeAccountError,
    text::Reason,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::UserRow;
use crate::{
    audit_log::write_record,
    database::{Database, Failure, Named, schema::users},
};

pub(super) async fn change(
    database: &Database,
    id: AccountId,
    change: AccountChange,
    by: AccountId,
    at: Timestamp,
) -> Result<Account, ChangeAccountError> {
    database
        .transaction(async move |connection| {
            let before = users::table
                .find(id.as_uuid())
                .select(UserRow::as_select())
                .for_no_key_update()
                .first(connection)
                .one("account.lock")
                .await
                .optional()?
                .ok_or(Failure(ChangeAccountError::NotFound))?
                .into_account()?;
            let role = change.role.unwrap_or(before.role);
            let disabled = change.disabled.unwrap_or(before.disabled);
            let actions = [
                (role != before.role).then_some(AuditAction::RoleChanged),
                (disabled && !before.disabled).then_some(AuditAction::AccountDisabled),
                (!disabled && before.disabled).then_some(AuditAction::AccountEnabled),
            ];
            for action in actions.into_iter().flatten() {
                let reason = (action == AuditAction::RoleChanged).then(|| format!("from {} to {role}", before.role));
                let reason = reason.and_then(|text| Reason::new(&text).ok());
                let record = AuditRecord { actor: Some(by), action, target: id.to_string(), reason, at };
                write_record(connection, &record).await?;
            }
            let row: UserRow = diesel::update(users::table.find(id.as_uuid()))
                .set((users::role.eq(role.as_str()), users::disabled.eq(disabled)))
                .returning(UserRow::as_returning())
                .get_result(connection)
                .one("account.change")
                .await?;
            Ok(row.into_account()?)
        })
        .await
}
