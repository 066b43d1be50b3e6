use comanda_domain::{RefreshTokenHash, SessionId, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::database::{Database, Named, schema::refresh_tokens};

pub(super) async fn session_of(database: &Database, token: RefreshTokenHash) -> Result<Option<SessionId>, Unavailable> {
    let mut connection = database.connection().await?;
    let id: Option<Uuid> = refresh_tokens::table
        .find(token.as_bytes().as_slice())
        .select(refresh_tokens::session_id)
        .first(&mut *connection)
        .one("session.of_token")
        .await
        .optional()
        .map_err(Unavailable::new)?;
    Ok(id.map(SessionId::new))
}
