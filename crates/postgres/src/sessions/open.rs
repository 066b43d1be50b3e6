use chrono::{DateTime, Utc};
use comanda_domain::{
    NewSession,
    ports::{OpenSessionError, Unavailable},
};
use diesel::sql_types::{BigInt, Binary, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::database::{Database, Named, spawn_transaction, statement};

statement! {
    /// One round trip per sign-in, and no wait for a disk: should PostgreSQL crash within the next second, the session
    /// is lost and its owner signs in again. (Closing a session does wait.) The statement also deletes the account's
    /// sessions that have expired: nobody asks for those again, and a sign-in touches the account's rows anyway.
    ///
    /// The account's row is compared and locked in this statement. A change of the credentials that is under way is
    /// waited for, and then the version differs; one that comes later waits for this and then finds the session.
    OpenSession {
        id: Uuid as SqlUuid,
        account_id: Uuid as SqlUuid,
        credentials: i64 as BigInt,
        opened_at: DateTime<Utc> as Timestamptz,
        expires_at: DateTime<Utc> as Timestamptz,
        refresh_token: Option<&'a [u8]> as Nullable<Binary>,
    }
    returns BigInt:
    "WITH s (id, account_id, credentials, opened_at, expires_at, hash) AS (VALUES (",
    ")), account AS (SELECT users.id FROM users, s WHERE users.id = s.account_id \
           AND users.credentials_version = s.credentials AND NOT users.disabled FOR SHARE OF users), \
        ended AS (DELETE FROM sessions USING s \
           WHERE sessions.account_id = s.account_id AND sessions.expires_at < s.opened_at), \
        at_once AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)), \
        opened AS (INSERT INTO sessions (id, account_id, opened_at, expires_at) \
           SELECT s.id, account.id, s.opened_at, s.expires_at FROM s, account, at_once RETURNING id), \
        issued AS (INSERT INTO refresh_tokens (hash, session_id, issued_at) \
           SELECT s.hash, opened.id, s.opened_at FROM s, opened WHERE s.hash IS NOT NULL) \
     SELECT count(*) FROM opened"
}

pub(super) async fn open(database: &Database, session: NewSession) -> Result<(), OpenSessionError> {
    let own = database.clone();
    spawn_transaction(database, async move {
        let mut connection = own.connection().await?;
        let open = OpenSession {
            id: session.id.as_uuid(),
            account_id: session.account_id.as_uuid(),
            credentials: session.credentials.get(),
            opened_at: session.opened_at,
            expires_at: session.expires_at,
            refresh_token: session.refresh_token.as_ref().map(|hash| hash.as_bytes().as_slice()),
        };
        let opened: i64 = open.get_result(&mut *connection).one("session.open").await.map_err(Unavailable::new)?;
        if opened == 1 { Ok(()) } else { Err(OpenSessionError::Outdated) }
    })
    .await
}
