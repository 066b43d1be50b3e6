use comanda_domain::{
    SessionId, Timestamp,
    ports::{Renewed, Unavailable},
};
use diesel::{prelude::*, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    accounts::AccountRow,
    database::{
        Database, MaybeStoredTime, Named, StoredTime,
        schema::{sessions, users},
    },
};

/// The part of the time without use that may be lost: a page that sends many requests with one token writes once.
const UNNOTED_PART: i32 = 12;

pub(super) async fn renew(
    database: &Database,
    id: SessionId,
    at: Timestamp,
    idle_at: Timestamp,
) -> Result<Option<Renewed>, Unavailable> {
    database
        .transaction(async move |connection| {
            // Not locked: a session that is closed now is told to every server, which refuses the next token, too.
            let found: Option<(MaybeStoredTime, StoredTime, AccountRow)> = sessions::table
                .inner_join(users::table)
                .filter(sessions::id.eq(id.as_uuid()))
                .filter(sessions::closed_at.is_null().and(sessions::expires_at.gt(at)))
                .filter(sessions::idle_at.is_null().or(sessions::idle_at.gt(at)))
                .select((sessions::idle_at, sessions::expires_at, AccountRow::as_select()))
                .first(connection)
                .one("session.find")
                .await
                .optional()?;
            let Some((noted, ends_at, row)) = found else { return Ok(None) };
            let (noted, ends_at) = (Option::<Timestamp>::from(noted), ends_at.get());
            let account = row.into_account()?;
            if account.disabled {
                return Ok(None);
            }
            if noted.is_none_or(|noted| noted < idle_at - (idle_at - at) / UNNOTED_PART) {
                note_use(connection, id, at, idle_at).await?;
            }
            Ok(Some(Renewed { account, ends_at }))
        })
        .await
}

/// Does not wait for a disk: what a crash takes away is a few minutes of use.
async fn note_use(
    connection: &mut AsyncPgConnection,
    id: SessionId,
    at: Timestamp,
    idle_at: Timestamp,
) -> QueryResult<()> {
    sql_query("SET LOCAL synchronous_commit = off").execute(connection).changes("session.commit_lazily").await?;
    diesel::update(sessions::table.find(id.as_uuid()))
        .filter(sessions::closed_at.is_null().and(sessions::idle_at.is_null().or(sessions::idle_at.lt(idle_at))))
        .set((sessions::last_used_at.eq(at), sessions::idle_at.eq(idle_at)))
        .execute(connection)
        .changes("session.renew")
        .await
        .map(|_| ())
}
