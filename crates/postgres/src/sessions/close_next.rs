use comanda_domain::{
    AccountId, AuditAction, AuditRecord, Reason, SessionId, Timestamp,
    ports::{ClosedBatch, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::{
    database::{
        Database, Named, NamedRows,
        schema::{sessions, users},
    },
    operations::write_records,
};

pub(super) async fn close_next(
    database: &Database,
    after: Option<AccountId>,
    at_most: u32,
    reason: Reason,
    at: Timestamp,
) -> Result<ClosedBatch, Unavailable> {
    database
        .transaction(async move |connection| {
            let accounts: Vec<Uuid> = sessions::table
                .filter(sessions::closed_at.is_null())
                .filter(sessions::account_id.gt(after.map_or(Uuid::nil(), AccountId::as_uuid)))
                .select(sessions::account_id)
                .distinct()
                .order(sessions::account_id)
                .limit(i64::from(at_most))
                .load(connection)
                .rows("session.accounts")
                .await?;
            // Locked, so that a session that is being opened is either seen or opened afterwards.
            let accounts: Vec<Uuid> = users::table
                .filter(users::id.eq_any(accounts))
                .order(users::id)
                .select(users::id)
                .for_no_key_update()
                .load(connection)
                .rows("session.lock_accounts")
                .await?;
            let closed: Vec<(Uuid, Uuid)> = diesel::update(sessions::table)
                .filter(sessions::account_id.eq_any(&accounts).and(sessions::closed_at.is_null()))
                .set(sessions::closed_at.eq(at))
                .returning((sessions::account_id, sessions::id))
                .get_results(connection)
                .rows("session.close_next")
                .await?;
            let record = |account: &Uuid| AuditRecord {
                actor: None,
                action: AuditAction::SessionsClosed,
                target: AccountId::new(*account).to_string(),
                reason: Some(reason.clone()),
                at,
            };
            write_records(connection, &accounts.iter().map(record).collect::<Vec<_>>()).await?;
            let sessions = closed.into_iter().map(|(account, id)| (AccountId::new(account), SessionId::new(id)));
            Ok(ClosedBatch { sessions: sessions.collect(), last: accounts.last().copied().map(AccountId::new) })
        })
        .await
}

pub(super) async fn count_open(database: &Database) -> Result<u64, Unavailable> {
    let mut connection = database.connection().await?;
    let open: i64 = sessions::table
        .filter(sessions::closed_at.is_null())
        .count()
        .get_result(&mut *connection)
        .one("session.count_open")
        .await
        .map_err(Unavailable::new)?;
    u64::try_from(open).map_err(Unavailable::new)
}
