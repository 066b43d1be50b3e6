use comanda_domain::{
    Account, AccountId, SealedToken, Timestamp,
    ports::{RotateError, Rotated, Rotation, Successor},
};
use diesel::{
    dsl::{exists, not},
    prelude::*,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::close::write_close;
use crate::{
    accounts::AccountRow,
    database::{
        Database, Failure, MaybeStoredTime, Named, StoredTime,
        schema::{refresh_tokens, sessions, users},
    },
};

pub(super) async fn rotate(database: &Database, rotation: Rotation) -> Result<Rotated, RotateError> {
    // A session that is closed because of this token must stay closed although the caller is refused: the refusal is no
    // error within the transaction.
    let rotated = database.transaction(async move |connection| rotate_locked(connection, &rotation).await).await?;
    rotated.map_err(|refusal| match refusal {
        Refusal::SessionClosed => RotateError::SessionClosed,
        Refusal::TokenReused(account_id) => RotateError::TokenReused { account_id },
    })
}

/// Why a token is not exchanged, although nothing failed.
enum Refusal {
    SessionClosed,
    TokenReused(AccountId),
}

/// What is known of a refresh token: when it was used, and its successor, sealed.
type TokenRow = (MaybeStoredTime, Option<Vec<u8>>);

async fn rotate_locked(
    connection: &mut AsyncPgConnection,
    rotation: &Rotation,
) -> Result<Result<Rotated, Refusal>, Failure<RotateError>> {
    let Some((account, ends_at)) = lock_session(connection, rotation).await? else {
        return Ok(Err(Refusal::SessionClosed));
    };
    let token: Option<TokenRow> = refresh_tokens::table
        .find(rotation.presented.as_bytes().as_slice())
        .filter(refresh_tokens::session_id.eq(rotation.session_id.as_uuid()))
        .select((refresh_tokens::used_at, refresh_tokens::sealed_successor))
        .first(connection)
        .one("session.token")
        .await
        .optional()?;
    let is_graced = |used_at: Timestamp| rotation.at - used_at <= rotation.grace;
    match token.map(|(used_at, sealed)| (used_at.into(), sealed)) {
        Some((None::<Timestamp>, _)) => {
            replace_token(connection, rotation).await?;
            Ok(Ok(Rotated { account, ends_at, successor: Successor::Issued }))
        }
        Some((Some(used_at), sealed))
            if is_graced(used_at) && is_successor_unused(connection, rotation, used_at).await? =>
        {
            // Without one, a server of the release before has exchanged it, which told the successor to nobody else.
            let sealed = sealed.map(|sealed| Successor::IssuedBefore(SealedToken::new(sealed)));
            Ok(sealed.map(|successor| Rotated { account, ends_at, successor }).ok_or(Refusal::SessionClosed))
        }
        // It was used before: too long ago, or its successor was used since.
        Some(_) | None => {
            write_close(connection, rotation.session_id, rotation.at).await?;
            Ok(Err(Refusal::TokenReused(account.id)))
        }
    }
}

/// Whether the token that was issued when this one was used is unused: they say the same time.
async fn is_successor_unused(
    connection: &mut AsyncPgConnection,
    rotation: &Rotation,
    used_at: Timestamp,
) -> QueryResult<bool> {
    let successors = refresh_tokens::table
        .filter(refresh_tokens::session_id.eq(rotation.session_id.as_uuid()))
        .filter(refresh_tokens::issued_at.eq(used_at).and(refresh_tokens::used_at.is_null()));
    diesel::select(exists(successors)).get_result(connection).one("session.successor").await
}

/// Locks the session's row: of several requests with one token, the later ones wait here and then find it used. Returns
/// the account and the end of the session if that is open.
async fn lock_session(
    connection: &mut AsyncPgConnection,
    rotation: &Rotation,
) -> Result<Option<(Account, Timestamp)>, Failure<RotateError>> {
    let session: Option<(Uuid, StoredTime, bool)> = sessions::table
        .find(rotation.session_id.as_uuid())
        .select((sessions::account_id, sessions::expires_at, sessions::closed_at.is_null()))
        .for_no_key_update()
        .first(connection)
        .one("session.lock")
        .await
        .optional()?;
    let Some((account_id, expires_at, true)) = session else { return Ok(None) };
    let expires_at = expires_at.get();
    if expires_at <= rotation.at {
        return Ok(None);
    }
    let row: AccountRow =
        users::table.find(account_id).select(AccountRow::as_select()).first(connection).one("session.account").await?;
    let account = row.into_account()?;
    Ok(Some((account, expires_at)).filter(|(account, _)| !account.disabled))
}

async fn replace_token(connection: &mut AsyncPgConnection, rotation: &Rotation) -> QueryResult<()> {
    let session_id = rotation.session_id.as_uuid();
    // Nobody asks for its predecessors any more.
    let spent = refresh_tokens::session_id.eq(session_id).and(refresh_tokens::used_at.is_not_null());
    diesel::delete(refresh_tokens::table)
        .filter(spent.and(not(refresh_tokens::is_kept)))
        .execute(connection)
        .changes("session.delete_spent_token")
        .await?;
    diesel::update(refresh_tokens::table.find(rotation.presented.as_bytes().as_slice()))
        .set((
            refresh_tokens::used_at.eq(rotation.at),
            refresh_tokens::is_kept.eq(rotation.is_kept),
            refresh_tokens::sealed_successor.eq(rotation.sealed_successor.as_ref().map(SealedToken::as_bytes)),
        ))
        .execute(connection)
        .changes("session.use_token")
        .await?;
    diesel::update(sessions::table.find(session_id))
        .set(sessions::last_used_at.eq(rotation.at))
        .execute(connection)
        .changes("session.use")
        .await?;
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::hash.eq(rotation.successor.as_bytes().as_slice()),
            refresh_tokens::session_id.eq(session_id),
            refresh_tokens::issued_at.eq(rotation.at),
            refresh_tokens::is_kept.eq(false),
        ))
        .execute(connection)
        .changes("session.issue_token")
        .await
        .map(|_| ())
}
