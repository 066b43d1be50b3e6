use chrono::{DateTime, Utc};
use comanda_domain::{
    SessionId, Timestamp,
    ports::{Renewed, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::{
    accounts::AccountRow,
    database::{
        Database, Named,
        schema::{sessions, users},
    },
};

pub(super) async fn renew(
    database: &Database,
    id: SessionId,
    at: Timestamp,
    idle_at: Timestamp,
) -> Result<Option<Renewed>, Unavailable> {
    database
        .transaction(async move |connection| {
            // The session's row first: a change of the account closes it, and waits for this.
            let session: Option<(Uuid, DateTime<Utc>)> = diesel::update(sessions::table.find(id.as_uuid()))
                .filter(sessions::closed_at.is_null().and(sessions::expires_at.gt(at)))
                .filter(sessions::idle_at.is_null().or(sessions::idle_at.gt(at)))
                .set((sessions::last_used_at.eq(at), sessions::idle_at.eq(idle_at)))
                .returning((sessions::account_id, sessions::expires_at))
                .get_result(connection)
                .one("session.renew")
                .await
                .optional()?;
            let Some((account_id, ends_at)) = session else { return Ok(None) };
            let row: AccountRow = users::table
                .find(account_id)
                .select(AccountRow::as_select())
                .first(connection)
                .one("session.account")
                .await?;
            let account = row.into_account()?;
            Ok(Some(Renewed { account, ends_at }).filter(|renewed| !renewed.account.disabled))
        })
        .await
}
