use comanda_domain::{
    AccountChange, AccountId, MailKind, Role, Timestamp,
    ports::{ChangeAccountError, ChangedAccount},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{
    AccountRow,
    lock::{Locked, lock},
};
use crate::{
    database::{Database, Failure, Named, schema::users},
    mails::record,
    operations::write_record,
    sessions::write_close_all_but,
};

pub(super) async fn change(
    database: &Database,
    id: AccountId,
    change: AccountChange,
    by: AccountId,
    at: Timestamp,
) -> Result<ChangedAccount, ChangeAccountError> {
    database
        .transaction(async move |connection| {
            let removes = change.may_remove_an_admin();
            let found = lock(connection, id, by, removes).await?.ok_or(Failure(ChangeAccountError::NotFound))?;
            let Locked { account: before, other_admins, is_by_admin } = found;
            change.keeps_an_admin(&before, other_admins).map_err(|last| Failure(last.into()))?;
            if !is_by_admin {
                return Err(Failure(ChangeAccountError::NotAdmin));
            }
            if !change.changes(&before) {
                return Ok(ChangedAccount { account: before, ended: Vec::new() });
            }
            for audit_record in change.audit_records(&before, by, at) {
                write_record(connection, &audit_record).await?;
            }
            let after = change.apply_to(before.clone());
            if after.role == Role::Admin && before.role != Role::Admin {
                record(connection, MailKind::AdminAppointed, Some(id), &after.email, at).await?;
            }
            let row: AccountRow = diesel::update(users::table.find(id.as_uuid()))
                .set((
                    users::role.eq(after.role.as_str()),
                    users::disabled.eq(after.disabled),
                    users::credentials_version.eq(users::credentials_version + 1),
                ))
                .returning(AccountRow::as_returning())
                .get_result(connection)
                .one("account.change")
                .await?;
            // After the account's row is locked: a session that was opened before is seen here, and none is opened
            // for the old credentials any more.
            let ended = write_close_all_but(connection, id, None, at).await?;
            Ok(ChangedAccount { account: row.into_account()?, ended })
        })
        .await
}
