use comanda_domain::{
    Account, AccountChange, AccountId, MailKind, Role, Timestamp,
    ports::{ChangeAccountError, ChangedAccount},
};
use diesel::{prelude::*, sql_types::Bool};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::AccountRow;
use crate::{
    database::{Database, Failure, Named, NamedRows, schema::users},
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
            let Locked { before, other_admins, is_by_admin } = lock(connection, id, change, by).await?;
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

/// Locks the account, the admin who asks and, if the change may take an admin away, every enabled admin, in the order
/// of their ids: two who demote each other at the same moment come one after the other, and the second sees what the
/// first has done.
async fn lock(
    connection: &mut AsyncPgConnection,
    id: AccountId,
    change: AccountChange,
    by: AccountId,
) -> Result<Locked, Failure<ChangeAccountError>> {
    let asked_for = users::id.eq_any([id.as_uuid(), by.as_uuid()]);
    let is_enabled_admin = users::role.eq(Role::Admin.as_str()).and(users::disabled.eq(false));
    let rows = users::table
        .filter(asked_for.or(is_enabled_admin.and(change.may_remove_an_admin().into_sql::<Bool>())))
        .order(users::id)
        .select(AccountRow::as_select())
        .for_no_key_update()
        .load(connection)
        .rows("account.lock")
        .await?;
    let accounts = rows.into_iter().map(AccountRow::into_account).collect::<Result<Vec<_>, _>>()?;
    let admins = accounts.iter().filter(|account| account.is_enabled_admin());
    let other_admins = admins.clone().filter(|admin| admin.id != id).count();
    let is_by_admin = admins.map(|admin| admin.id).any(|admin| admin == by);
    let before = accounts.into_iter().find(|account| account.id == id).ok_or(Failure(ChangeAccountError::NotFound))?;
    Ok(Locked { before, other_admins, is_by_admin })
}

struct Locked {
    before: Account,
    /// How many others are enabled admins, where the change may take an admin away.
    other_admins: usize,
    /// Whether who asks still is an admin: tokens of closed sessions are believed for a moment.
    is_by_admin: bool,
}
