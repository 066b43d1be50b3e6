use comanda_domain::{AccountId, MailTokenHash, Timestamp, TokenPurpose, ports::MailTokenError};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::use_token::use_token;
use crate::database::{Database, Named, schema::users};

pub(super) async fn verify_email(
    database: &Database,
    hash: MailTokenHash,
    at: Timestamp,
) -> Result<AccountId, MailTokenError> {
    database
        .transaction(async move |connection| {
            let account = use_token(connection, hash, TokenPurpose::Verification, at).await?;
            diesel::update(users::table.find(account.id.as_uuid()))
                .filter(users::email_verified_at.is_null())
                .set(users::email_verified_at.eq(Some(at)))
                .execute(connection)
                .changes("account.verify_email")
                .await?;
            Ok(account.id)
        })
        .await
}
