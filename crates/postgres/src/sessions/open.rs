use chrono::{DateTime, Utc};
use comanda_domain::{
    ClientName, NewSession, SessionId,
    ports::{OpenSessionError, Unavailable},
};
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::database::{Database, Named, spawn_transaction, statement};

statement! {
    /// One round trip per sign-in. It waits for the disk, as closing does: a session that a crash took away could not
    /// be closed any more, and servers would believe its tokens until they expire.
    ///
    /// The account's row is compared and locked in this statement. A change of the credentials that is under way is
    /// waited for, and then the version differs; one that comes later waits for this and then finds the session.
    ///
    /// Sessions beyond the limit are those of the statement's snapshot: sign-ins at the same moment may leave a few too
    /// many, which the next one closes.
    OpenSession {
        id: Uuid as SqlUuid,
        account_id: Uuid as SqlUuid,
        credentials: i64 as BigInt,
        opened_at: DateTime<Utc> as Timestamptz,
        expires_at: DateTime<Utc> as Timestamptz,
        idle_at: Option<DateTime<Utc>> as Nullable<Timestamptz>,
        client: Option<&'a str> as Nullable<Text>,
        network: Option<String> as Nullable<Text>,
        replaces: Option<Uuid> as Nullable<SqlUuid>,
        at_most: i64 as BigInt,
        refresh_token: Option<&'a [u8]> as Nullable<Binary>,
    }
    returns (BigInt, Array<SqlUuid>):
    "WITH s (id, account_id, credentials, opened_at, expires_at, idle_at, client, network, replaces, at_most, hash) \
        AS (VALUES (",
    ")), account AS (SELECT users.id FROM users, s WHERE users.id = s.account_id \
           AND users.credentials_version = s.credentials AND NOT users.disabled FOR SHARE OF users), \
        opened AS (INSERT INTO sessions (id, account_id, opened_at, expires_at, idle_at, client, network) \
           SELECT s.id, account.id, s.opened_at, s.expires_at, s.idle_at, s.client, s.network \
           FROM s, account RETURNING id), \
        issued AS (INSERT INTO refresh_tokens (hash, session_id, issued_at, is_kept) \
           SELECT s.hash, opened.id, s.opened_at, false FROM s, opened WHERE s.hash IS NOT NULL), \
        ending AS (SELECT replaces AS id FROM s WHERE replaces IS NOT NULL UNION ALL \
           (SELECT sessions.id FROM sessions, s WHERE sessions.account_id = s.account_id AND closed_at IS NULL \
            AND sessions.expires_at > s.opened_at AND (sessions.idle_at IS NULL OR sessions.idle_at > s.opened_at) \
            AND sessions.id IS DISTINCT FROM s.replaces \
            ORDER BY sessions.opened_at DESC OFFSET (SELECT at_most - 1 FROM s))), \
        locked AS (SELECT id FROM sessions WHERE id IN (SELECT id FROM ending) AND closed_at IS NULL \
           AND EXISTS (SELECT FROM opened) ORDER BY id FOR NO KEY UPDATE), \
        ended AS (UPDATE sessions SET closed_at = s.opened_at FROM s, locked \
           WHERE sessions.id = locked.id AND sessions.closed_at IS NULL RETURNING sessions.id) \
     SELECT (SELECT count(*) FROM opened), ARRAY(SELECT id FROM ended)"
}

pub(super) async fn open(
    database: &Database,
    session: NewSession,
    at_most: u32,
) -> Result<Vec<SessionId>, OpenSessionError> {
    let own = database.clone();
    spawn_transaction(database, async move {
        let mut connection = own.connection().await?;
        let open = OpenSession {
            id: session.id.as_uuid(),
            account_id: session.account_id.as_uuid(),
            credentials: session.credentials.get(),
            opened_at: session.opened_at,
            expires_at: session.expires_at,
            idle_at: session.idle_at,
            client: session.origin.client.as_ref().map(ClientName::as_str),
            network: session.origin.network.map(|network| network.to_string()),
            replaces: session.replaces.map(SessionId::as_uuid),
            at_most: at_most.max(1).into(),
            refresh_token: session.refresh_token.as_ref().map(|hash| hash.as_bytes().as_slice()),
        };
        let (opened, ended): (i64, Vec<Uuid>) =
            open.get_result(&mut *connection).one("session.open").await.map_err(Unavailable::new)?;
        if opened == 1 { Ok(ended.into_iter().map(SessionId::new).collect()) } else { Err(OpenSessionError::Outdated) }
    })
    .await
}
