use comanda_domain::{
    AccountId, Administrator, AuditAction, AuditRecord, Reason, SessionId, Timestamp, ports::CloseSessionsError,
};

use super::write_close_all_but;
use crate::{
    accounts::lock,
    database::{Database, Failure},
    operations::write_record,
};

pub(super) async fn close_all(
    database: &Database,
    account_id: AccountId,
    by: Option<Administrator>,
    reason: Reason,
    at: Timestamp,
) -> Result<Vec<SessionId>, CloseSessionsError> {
    database
        .transaction(async move |connection| {
            // Locked, so that a session that is being opened is either seen or opened afterwards.
            let actor = by.map(Administrator::account_id);
            let locked = lock(connection, account_id, actor.unwrap_or(account_id), false).await?;
            let locked = locked.ok_or(Failure(CloseSessionsError::NotFound))?;
            if actor.is_some() && !locked.is_by_admin {
                return Err(Failure(CloseSessionsError::NotAdmin));
            }
            let record = AuditRecord {
                actor,
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
