use comanda_domain::{AccountId, SessionId, Timestamp, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::database::{Database, NamedRows, schema::sessions};

pub(super) async fn close_all_but(
    database: &Database,
    account_id: AccountId,
    kept: Option<SessionId>,
    at: Timestamp,
) -> Result<Vec<SessionId>, Unavailable> {
    let mut connection = database.connection().await?;
    let ids: Vec<Uuid> = diesel::update(sessions::table)
        .filter(sessions::account_id.eq(account_id.as_uuid()).and(sessions::closed_at.is_null()))
        .filter(sessions::id.ne(kept.map_or(Uuid::nil(), SessionId::as_uuid)))
        .set(sessions::closed_at.eq(at))
        .returning(sessions::id)
        .get_results(&mut *connection)
        .rows("session.close_others")
        .await
        .map_err(Unavailable::new)?;
    Ok(ids.into_iter().map(SessionId::new).collect())
}
