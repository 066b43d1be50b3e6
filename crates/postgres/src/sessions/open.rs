use chrono::{DateTime, Utc};
use comanda_domain::{NewSession, ports::Unavailable};
use diesel::sql_types::{Binary, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::database::{Database, Named, spawn_transaction, statement};

statement! {
    /// One round trip per sign-in, and no wait for a disk: should PostgreSQL crash within the next second, the session
    /// is lost and its owner signs in again. (Closing a session does wait.) The statement also deletes the account's
    /// sessions that have expired: nobody asks for those again, and a sign-in touches the account's rows anyway.
    OpenSession {
        id: Uuid as SqlUuid,
        account_id: Uuid as SqlUuid,
        opened_at: DateTime<Utc> as Timestamptz,
        expires_at: DateTime<Utc> as Timestamptz,
        refresh_token: Option<&'a [u8]> as Nullable<Binary>,
    }
    returns ():
    "WITH s (id, account_id, opened_at, expires_at, hash) AS (VALUES (",
    ")), ended AS (DELETE FROM sessions USING s \
           WHERE sessions.account_id = s.account_id AND sessions.expires_at < s.opened_at), \
        at_once AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)), \
        opened AS (INSERT INTO sessions (id, account_id, opened_at, expires_at) \
           SELECT id, account_id, opened_at, expires_at FROM s, at_once) \
     INSERT INTO refresh_tokens (hash, session_id, issued_at) SELECT hash, id, opened_at FROM s WHERE hash IS NOT NULL"
}

pub(super) async fn open(database: &Database, session: NewSession) -> Result<(), Unavailable> {
    let own = database.clone();
    spawn_transaction(database, async move {
        let mut connection = own.connection().await?;
        let open = OpenSession {
            id: session.id.as_uuid(),
            account_id: session.account_id.as_uuid(),
            opened_at: session.opened_at,
            expires_at: session.expires_at,
            refresh_token: session.refresh_token.as_ref().map(|hash| hash.as_bytes().as_slice()),
        };
        open.execute(&mut *connection).changes("session.open").await.map_err(Unavailable::new)?;
        Ok(())
    })
    .await
}
