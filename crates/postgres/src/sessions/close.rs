use comanda_domain::{AccountId, SessionId, Timestamp, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::database::{Database, Named, schema::sessions};

pub(super) async fn close(
    database: &Database,
    account_id: AccountId,
    id: SessionId,
    at: Timestamp,
) -> Result<bool, Unavailable> {
    let mut connection = database.connection().await?;
    let closed = diesel::update(sessions::table.find(id.as_uuid()))
        .filter(sessions::account_id.eq(account_id.as_uuid()).and(sessions::closed_at.is_null()))
        .set(sessions::closed_at.eq(at))
        .execute(&mut *connection)
        .changes("session.close")
        .await
        .map_err(Unavailable::new)?;
    Ok(closed == 1)
}

/// Closes a session unless it is closed already.
pub(super) async fn write_close(connection: &mut AsyncPgConnection, id: SessionId, at: Timestamp) -> QueryResult<()> {
    diesel::update(sessions::table.find(id.as_uuid()))
        .filter(sessions::closed_at.is_null())
        .set(sessions::closed_at.eq(at))
        .execute(connection)
        .changes("session.close")
        .await
        .map(|_| ())
}
