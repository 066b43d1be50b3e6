use comanda_domain::{
    Account, AccountId, Administrator, AuditAction, AuditRecord, Reason, SessionId, Timestamp,
    ports::CloseSessionsError,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::write_close_all_but;
use crate::{
    accounts::AccountRow,
    database::{Database, Failure, NamedRows, schema::users},
    operations::write_record,
};

pub(super) async fn close_all(
    database: &Database,
    account_id: AccountId,
    by: Administrator,
    reason: Reason,
    at: Timestamp,
) -> Result<Vec<SessionId>, CloseSessionsError> {
    database
        .transaction(async move |connection| {
            // Locked, so that a session that is being opened is either seen or opened afterwards; in the order of ids,
            // as whoever changes accounts does.
            let rows = users::table
                .filter(users::id.eq_any([account_id, by.account_id()].map(AccountId::as_uuid)))
                .order(users::id)
                .select(AccountRow::as_select())
                .for_no_key_update()
                .load(connection)
                .rows("account.lock")
                .await?;
            let accounts = rows.into_iter().map(AccountRow::into_account).collect::<Result<Vec<_>, _>>()?;
            let find = |id: AccountId| accounts.iter().find(|account| account.id == id);
            if find(account_id).is_none() {
                return Err(Failure(CloseSessionsError::NotFound));
            }
            if !find(by.account_id()).is_some_and(Account::is_enabled_admin) {
                return Err(Failure(CloseSessionsError::NotAdmin));
            }
            let record = AuditRecord {
                actor: Some(by.account_id()),
                action: AuditAction::SessionsClosed,
                target: account_id.to_string(),
                reason: Some(reason),
                at,
            };
            write_record(connection, &record).await?;
            Ok(write_close_all_but(connection, account_id, None, at).await?)
        })
        .await
}
