use async_trait::async_trait;
use chrono::{DateTime, Utc};
use comanda_domain::{
    Timestamp,
    account::Account,
    ids::{AccountId, SessionId},
    ports::{RotateError, Rotation, Sessions, Unavailable},
    session::NewSession,
};
use diesel::{
    prelude::*,
    sql_types::{Binary, Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    Database,
    accounts::UserRow,
    database::{
        Failure, Named, NamedRows,
        schema::{refresh_tokens, sessions, users},
        spawn_transaction, statement,
    },
};

statement! {
    /// One round trip for everybody who signs in, and no wait for a disk: should PostgreSQL crash within the next second, the session
    /// is lost and its owner signs in again. Closing one waits. The account's sessions that have ended go, too: nobody asks for
    /// those again, and this is when their owner is here.
    OpenSession {
        id: Uuid as SqlUuid,
        account_id: Uuid as SqlUuid,
        opened_at: DateTime<Utc> as Timestamptz,
        expires_at: DateTime<Utc> as Timestamptz,
        refresh_token: Option<&'a [u8]> as Nullable<Binary>,
    }
    returns ():
    "WITH s (id, account_id, opened_at, expires_at, hash) AS (VALUES (",
    ")), ended AS (DELETE FROM sessions USING s WHERE sessions.account_id = s.account_id AND sessions.expires_at < s.opened_at), \
        at_once AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)), \
        opened AS (INSERT INTO sessions (id, account_id, opened_at, expires_at) SELECT id, account_id, opened_at, expires_at FROM s, at_once) \
     INSERT INTO refresh_tokens (hash, session_id, issued_at) SELECT hash, id, opened_at FROM s WHERE hash IS NOT NULL"
}

/// Sessions in the tables `sessions` and `refresh_tokens`.
#[derive(Clone)]
pub struct PostgresSessions {
    database: Database,
}

impl PostgresSessions {
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    async fn open_session(&self, session: NewSession) -> Result<(), Unavailable> {
        let mut connection = self.database.connection().await?;
        let open = OpenSession {
            id: session.id.as_uuid(),
            account_id: session.account_id.as_uuid(),
            opened_at: session.opened_at,
            expires_at: session.expires_at,
            refresh_token: session.refresh_token.as_ref().map(|hash| hash.as_bytes().as_slice()),
        };
        open.execute(&mut *connection).changes("session.open").await.map_err(Unavailable::new)?;
        Ok(())
    }

    async fn rotate_token(&self, rotation: Rotation) -> Result<(SessionId, Account), RotateError> {
        let mut connection = self.database.connection().await?;
        // A session that must be closed because of this token stays closed although the caller is refused: no error within.
        let outcome = connection
            .transaction::<_, Failure<RotateError>, _>(async |connection| rotate(connection, &rotation).await)
            .await
            .map_err(|failure| failure.0)?;
        let (session_id, account) = outcome;
        Ok((session_id, account.ok_or(RotateError::SessionClosed { session_id })?))
    }
}

/// The session, and its account if it goes on.
async fn rotate(
    connection: &mut AsyncPgConnection,
    rotation: &Rotation,
) -> Result<(SessionId, Option<Account>), Failure<RotateError>> {
    let presented = rotation.presented.as_bytes().as_slice();
    let session_id: Uuid = refresh_tokens::table
        .find(presented)
        .select(refresh_tokens::session_id)
        .first(connection)
        .one("session.find_token")
        .await
        .optional()?
        .ok_or(Failure(RotateError::Unknown))?;
    // The session's row first: of several with one token, the later wait here and then find it used.
    let (account_id, expires_at, closed_at): (Uuid, DateTime<Utc>, Option<DateTime<Utc>>) = sessions::table
        .find(session_id)
        .select((sessions::account_id, sessions::expires_at, sessions::closed_at))
        .for_no_key_update()
        .first(connection)
        .one("session.lock")
        .await?;
    let used_at: Option<DateTime<Utc>> = refresh_tokens::table
        .find(presented)
        .select(refresh_tokens::used_at)
        .first(connection)
        .one("session.token_used_at")
        .await?;
    let row: UserRow =
        users::table.find(account_id).select(UserRow::as_select()).first(connection).one("session.account").await?;
    let account = row.into_account()?;

    let closed = (SessionId::new(session_id), None);
    if closed_at.is_some() || expires_at <= rotation.at || account.disabled {
        return Ok(closed);
    }
    match used_at {
        None => {
            diesel::update(refresh_tokens::table.find(presented))
                .set(refresh_tokens::used_at.eq(rotation.at))
                .execute(connection)
                .changes("session.use_token")
                .await?;
            issue(connection, rotation.successor.as_bytes(), session_id, rotation.at).await?;
        }
        Some(used_at) if rotation.at - used_at <= rotation.grace => {}
        Some(_) => {
            close(connection, session_id, rotation.at).await?;
            return Ok(closed);
        }
    }
    Ok((SessionId::new(session_id), Some(account)))
}

async fn issue(connection: &mut AsyncPgConnection, hash: &[u8], session_id: Uuid, at: Timestamp) -> QueryResult<()> {
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::hash.eq(hash),
            refresh_tokens::session_id.eq(session_id),
            refresh_tokens::issued_at.eq(at),
        ))
        .execute(connection)
        .changes("session.issue_token")
        .await
        .map(|_| ())
}

async fn close(connection: &mut AsyncPgConnection, id: Uuid, at: Timestamp) -> QueryResult<()> {
    diesel::update(sessions::table.find(id))
        .filter(sessions::closed_at.is_null())
        .set(sessions::closed_at.eq(at))
        .execute(connection)
        .changes("session.close")
        .await
        .map(|_| ())
}

#[async_trait]
impl Sessions for PostgresSessions {
    async fn open(&self, session: NewSession) -> Result<(), Unavailable> {
        let own = self.clone();
        spawn_transaction(&self.database, async move { own.open_session(session).await }).await
    }

    async fn rotate(&self, rotation: Rotation) -> Result<(SessionId, Account), RotateError> {
        let own = self.clone();
        spawn_transaction(&self.database, async move { own.rotate_token(rotation).await }).await
    }

    async fn close(&self, id: SessionId, at: Timestamp) -> Result<(), Unavailable> {
        let mut connection = self.database.connection().await?;
        close(&mut connection, id.as_uuid(), at).await.map_err(Unavailable::new)
    }

    async fn close_all_but(
        &self,
        account_id: AccountId,
        kept: Option<SessionId>,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, Unavailable> {
        let mut connection = self.database.connection().await?;
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

    async fn closed_since(&self, since: Timestamp) -> Result<Vec<SessionId>, Unavailable> {
        let mut connection = self.database.read_connection().await?;
        let ids: Vec<Uuid> = sessions::table
            .filter(sessions::closed_at.ge(since))
            .select(sessions::id)
            .load(&mut *connection)
            .rows("session.closed_since")
            .await
            .map_err(Unavailable::new)?;
        Ok(ids.into_iter().map(SessionId::new).collect())
    }
}
