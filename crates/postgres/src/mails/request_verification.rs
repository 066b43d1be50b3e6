use comanda_domain::{
    AccountId, Email, Idempotency, IdempotencyKey, MAIL_LIMIT_PERIOD, MailKind, MailLimits, Mailbox, Timestamp,
    ports::{Idempotent, RequestMailError},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{
    limit::{Class, lock, requested},
    record::record_under,
};
use crate::{
    database::{
        Database, Failure, Named,
        schema::{mails, users},
    },
    idempotency::claim,
};

pub(super) async fn request_verification(
    database: &Database,
    limits: MailLimits,
    account: AccountId,
    at: Timestamp,
    idempotency: Option<Idempotency>,
) -> Result<Idempotent<()>, RequestMailError> {
    database
        .transaction(async move |connection| {
            let Ok(kept) = claim::<(), _>(connection, idempotency.as_ref(), at).await?.first()? else {
                return Ok(Idempotent { outcome: (), replayed: true });
            };
            let (email, is_verified): (String, bool) = users::table
                .find(account.as_uuid())
                .select((users::email, users::email_verified_at.is_not_null()))
                .first(connection)
                .one("mail.find_account")
                .await
                .optional()?
                .ok_or(Failure(RequestMailError::NotFound))?;
            let email = Email::stored(&email);
            lock(connection, &Mailbox::of(&email)).await?;
            let key = idempotency.as_ref().map(|request| &request.key);
            if let Some(key) = key
                && was_requested_at_old_server(connection, account, key, at).await?
            {
                return Ok(Idempotent { outcome: (), replayed: true });
            }
            if !is_verified {
                let (count, first) = requested(connection, MailKind::Verification, &email, at).await?;
                if count >= Class::Verification.limit(limits) {
                    let wait = first.map_or(MAIL_LIMIT_PERIOD, |first| first + MAIL_LIMIT_PERIOD - at);
                    return Err(Failure(RequestMailError::TooMany { wait }));
                }
                record_under(connection, MailKind::Verification, Some(account), &email, key, at, Some(at)).await?;
            } else if key.is_some() {
                record_under(connection, MailKind::Verification, Some(account), &email, key, at, None).await?;
            }
            kept.keep(connection, &()).await?;
            Ok(Idempotent { outcome: (), replayed: false })
        })
        .await
}

/// Whether the account has asked a server of the release before under this key: those keep keys with the mails. A key
/// that has expired there makes room for its next mail.
async fn was_requested_at_old_server(
    connection: &mut AsyncPgConnection,
    account: AccountId,
    key: &IdempotencyKey,
    at: Timestamp,
) -> QueryResult<bool> {
    let under_key =
        || mails::table.filter(mails::account_id.eq(account.as_uuid()).and(mails::request_key.eq(key.as_str())));
    diesel::update(under_key().filter(mails::created_at.lt(IdempotencyKey::forgotten_before(at))))
        .set(mails::request_key.eq(None::<String>))
        .execute(connection)
        .changes("mail.forget_key")
        .await?;
    diesel::select(diesel::dsl::exists(under_key())).get_result(connection).one("mail.find_key").await
}
