use comanda_domain::{
    AccountId, Administrator, AuditAction, AuditRecord, Reason, SessionId, Timestamp, ports::CloseSessionsError,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::write_close_all_but;
use crate::{
    database::{Database, Failure, Named, schema::users},
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
            // Locked, so that a session that is being opened is either seen or opened afterwards.
            let _: Uuid = users::table
                .find(account_id.as_uuid())
                .select(users::id)
                .for_no_key_update()
                .first(connection)
                .one("account.lock")
                .await
                .optional()?
                .ok_or(Failure(CloseSessionsError::NotFound))?;
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
