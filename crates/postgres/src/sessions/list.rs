use chrono::{DateTime, Utc};
use comanda_domain::{
    AddressNetwork, ClientName, Page, Session, SessionId, SessionOrigin,
    ports::{SessionsQuery, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::database::{Database, MaybeStoredTime, NamedRows, RowOf, StoredTime, schema::sessions};

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions, check_for_backend(diesel::pg::Pg))]
struct SessionRow {
    id: Uuid,
    #[diesel(deserialize_as = StoredTime)]
    opened_at: DateTime<Utc>,
    client: Option<String>,
    network: Option<String>,
    #[diesel(deserialize_as = MaybeStoredTime)]
    last_used_at: Option<DateTime<Utc>>,
}

impl SessionRow {
    /// Whatever is odd about it, its owner must be able to end it.
    fn into_session(self) -> Session {
        let row = RowOf { table: "sessions", id: self.id };
        let network = self.network.as_deref().map(str::parse::<AddressNetwork>).transpose();
        let origin = SessionOrigin {
            client: self.client.as_deref().map(ClientName::stored),
            network: row.read("network", network).unwrap_or_default(),
        };
        let last_used_at = self.last_used_at.unwrap_or(self.opened_at);
        Session { id: SessionId::new(self.id), origin, opened_at: self.opened_at, last_used_at }
    }
}

pub(super) async fn list(database: &Database, query: SessionsQuery) -> Result<Page<Session, SessionId>, Unavailable> {
    let before = query.before.map_or(Uuid::max(), SessionId::as_uuid);
    let mut connection = database.read_connection().await?;
    let rows: Vec<SessionRow> = sessions::table
        .filter(sessions::account_id.eq(query.account_id.as_uuid()).and(sessions::closed_at.is_null()))
        .filter(sessions::expires_at.gt(query.now))
        .filter(sessions::idle_at.is_null().or(sessions::idle_at.gt(query.now)))
        .filter(sessions::id.lt(before))
        .order(sessions::id.desc())
        .limit(i64::from(query.limit.get()) + 1)
        .select(SessionRow::as_select())
        .load(&mut *connection)
        .rows("session.list")
        .await
        .map_err(Unavailable::new)?;
    let sessions = rows.into_iter().map(SessionRow::into_session).collect();
    Ok(Page::from_one_more(sessions, query.limit, |session| session.id))
}
