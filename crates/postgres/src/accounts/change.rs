use comanda_domain::{
    Account, AccountChange, AccountId, Role, Timestamp,
    ports::{ChangeAccountError, ChangedAccount},
};
use diesel::{prelude::*, sql_types::Bool};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::AccountRow;
use crate::{
    database::{Database, Failure, Named, NamedRows, schema::users},
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
            let (before, other_admins) = lock(connection, id, change).await?;
            change.keeps_an_admin(&before, other_admins).map_err(|last| Failure(last.into()))?;
            if !change.changes(&before) {
                return Ok(ChangedAccount { account: before, ended: Vec::new() });
            }
            for record in change.audit_records(&before, by, at) {
                write_record(connection, &record).await?;
            }
            let after = change.apply_to(before);
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

/// Locks the account and, if the change may take an admin away, every enabled admin, in the order of their ids: two who
/// demote each other at the same moment come one after the other, and the second sees what the first has done. Returns
/// the account, and how many others are enabled admins.
async fn lock(
    connection: &mut AsyncPgConnection,
    id: AccountId,
    change: AccountChange,
) -> Result<(Account, usize), Failure<ChangeAccountError>> {
    let (own, all) = (users::id.eq(id.as_uuid()), change.may_remove_an_admin());
    let is_enabled_admin = users::role.eq(Role::Admin.as_str()).and(users::disabled.eq(false));
    let rows = users::table
        .filter(own.or(is_enabled_admin.and(all.into_sql::<Bool>())))
        .order(users::id)
        .select(AccountRow::as_select())
        .for_no_key_update()
        .load(connection)
        .rows("account.lock")
        .await?;
    let accounts = rows.into_iter().map(AccountRow::into_account).collect::<Result<Vec<_>, _>>()?;
    let others = accounts.iter().filter(|account| account.id != id).count();
    let before = accounts.into_iter().find(|account| account.id == id);
    Ok((before.ok_or(Failure(ChangeAccountError::NotFound))?, others))
}
