use chrono::{DateTime, Utc};
use comanda_domain::{
    Account, SessionId, Timestamp,
    ports::{RotateError, Rotation},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::close::write_close;
use crate::{
    accounts::AccountRow,
    database::{
        Database, Failure, Named,
        schema::{refresh_tokens, sessions, users},
    },
};

pub(super) async fn rotate(database: &Database, rotation: Rotation) -> Result<(SessionId, Account), RotateError> {
    // A session that is closed because of this token must stay closed although the caller is refused: the refusal is no
    // error within the transaction.
    let (session_id, account) =
        database.transaction(async move |connection| rotate_locked(connection, &rotation).await).await?;
    Ok((session_id, account.ok_or(RotateError::SessionClosed { session_id })?))
}

/// The session, and its account if the session goes on.
async fn rotate_locked(
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
    // The session's row first: of several requests with one token, the later ones wait here and then find it used.
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
    let row: AccountRow =
        users::table.find(account_id).select(AccountRow::as_select()).first(connection).one("session.account").await?;
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
            write_close(connection, session_id, rotation.at).await?;
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
