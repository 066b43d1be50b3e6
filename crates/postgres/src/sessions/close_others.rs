use comanda_domain::{AccountId, SessionId, Timestamp, ports::Unavailable};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::write_close_all_but;
use crate::database::{Database, Named, schema::users};

pub(super) async fn close_others(
    database: &Database,
    account_id: AccountId,
    kept: SessionId,
    at: Timestamp,
) -> Result<Vec<SessionId>, Unavailable> {
    database
        .transaction(async move |connection| {
            // Locked, so that a session that is being opened is either seen or opened afterwards.
            let _: Option<Uuid> = users::table
                .find(account_id.as_uuid())
                .select(users::id)
                .for_no_key_update()
                .first(connection)
                .one("account.lock")
                .await
                .optional()?;
            Ok(write_close_all_but(connection, account_id, Some(kept), at).await?)
        })
        .await
}
