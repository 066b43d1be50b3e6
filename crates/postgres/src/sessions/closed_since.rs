use comanda_domain::{SessionId, Timestamp, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::database::{Database, NamedRows, schema::sessions};

pub(super) async fn closed_since(database: &Database, since: Timestamp) -> Result<Vec<SessionId>, Unavailable> {
    let mut connection = database.read_connection().await?;
    let ids: Vec<Uuid> = sessions::table
        .filter(sessions::closed_at.ge(since))
        .select(sessions::id)
        .load(&mut *connection)
        .rows("session.closed_since")
        .await
        .map_err(Unavailable::new)?;
    Ok(ids.into_iter().map(SessionId::new).collect())
}
