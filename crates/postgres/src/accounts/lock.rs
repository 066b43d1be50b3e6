use comanda_domain::{Account, AccountId, Role, ports::Unavailable};
use diesel::{prelude::*, sql_types::Bool};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::AccountRow;
use crate::database::{Failure, NamedRows, schema::users};

/// An account that is locked until the end of the transaction, with what its change depends on.
pub(crate) struct Locked {
    pub(crate) account: Account,
    /// How many others are enabled admins, where all of them are locked.
    pub(crate) other_admins: usize,
    /// Whether who asks still is an admin: tokens of closed sessions are believed for a moment.
    pub(crate) is_by_admin: bool,
}

/// Locks the account, the admin who asks and, with `all_admins`, every enabled admin, in the order of their ids: two
/// who demote each other at the same moment come one after the other, and the second sees what the first has done.
/// `None`: there is no such account.
pub(crate) async fn lock<E: From<Unavailable>>(
    connection: &mut AsyncPgConnection,
    id: AccountId,
    by: AccountId,
    all_admins: bool,
) -> Result<Option<Locked>, Failure<E>> {
    let asked_for = users::id.eq_any([id.as_uuid(), by.as_uuid()]);
    let is_enabled_admin = users::role.eq(Role::Admin.as_str()).and(users::disabled.eq(false));
    let rows = users::table
        .filter(asked_for.or(is_enabled_admin.and(all_admins.into_sql::<Bool>())))
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
    let account = accounts.into_iter().find(|account| account.id == id);
    Ok(account.map(|account| Locked { account, other_admins, is_by_admin }))
}
