use comanda_domain::{
    AccountId, Email, Idempotency, MAIL_LIMIT_PERIOD, MailKind, MailLimits, Mailbox, Timestamp,
    ports::{Idempotent, RequestMailError},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{
    limit::{Class, lock, requested},
    record::record,
};
use crate::{
    database::{Database, Failure, Named, schema::users},
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
            let (email, verified_at): (String, Option<Timestamp>) = users::table
                .find(account.as_uuid())
                .select((users::email, users::email_verified_at))
                .first(connection)
                .one("mail.find_account")
                .await
                .optional()?
                .ok_or(Failure(RequestMailError::NotFound))?;
            let email = Email::stored(&email);
            lock(connection, &Mailbox::of(&email)).await?;
            if verified_at.is_none() {
                let (count, first) = requested(connection, MailKind::Verification, &email, at).await?;
                if count >= Class::Verification.limit(limits) {
                    let wait = first.map_or(MAIL_LIMIT_PERIOD, |first| first + MAIL_LIMIT_PERIOD - at);
                    return Err(Failure(RequestMailError::TooMany { wait }));
                }
                record(connection, MailKind::Verification, Some(account), &email, at).await?;
            }
            kept.keep(connection, &()).await?;
            Ok(Idempotent { outcome: (), replayed: false })
        })
        .await
}
