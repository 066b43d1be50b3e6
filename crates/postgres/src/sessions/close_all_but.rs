use comanda_domain::{AccountId, SessionId, Timestamp};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::database::{NamedRows, schema::sessions};

/// Closes all of an account's sessions but one, within the transaction that makes them end. To miss none that is being
/// opened, it must hold the account's row.
pub(crate) async fn write_close_all_but(
    connection: &mut AsyncPgConnection,
    account_id: AccountId,
    kept: Option<SessionId>,
    at: Timestamp,
) -> QueryResult<Vec<SessionId>> {
    let ids: Vec<Uuid> = diesel::update(sessions::table)
        .filter(sessions::account_id.eq(account_id.as_uuid()).and(sessions::closed_at.is_null()))
        .filter(sessions::id.ne(kept.map_or(Uuid::nil(), SessionId::as_uuid)))
        .set(sessions::closed_at.eq(at))
        .returning(sessions::id)
        .get_results(connection)
        .rows("session.close_others")
        .await?;
    Ok(ids.into_iter().map(SessionId::new).collect())
}
