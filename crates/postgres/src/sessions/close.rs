use comanda_domain::{SessionId, Timestamp, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::database::{Database, Named, schema::sessions};

pub(super) async fn close(database: &Database, id: SessionId, at: Timestamp) -> Result<(), Unavailable> {
    let mut connection = database.connection().await?;
    write_close(&mut connection, id, at).await.map_err(Unavailable::new)
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
