use comanda_domain::{
    AccountId, Email, MailTokenHash, MailTokenRefusal, Timestamp, TokenPurpose,
    ports::{MailTokenError, Unavailable},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::database::{
    Failure, Named, RowOf,
    schema::{mail_tokens, users},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = mail_tokens, check_for_backend(diesel::pg::Pg))]
pub(super) struct TokenRow {
    purpose: String,
    pub(super) account_id: Uuid,
    email: String,
    expires_at: Timestamp,
    spent_at: Option<Timestamp>,
}

impl TokenRow {
    pub(super) fn judge(&self, purpose: TokenPurpose, at: Timestamp) -> Result<(), MailTokenRefusal> {
        if self.purpose != purpose.as_str() {
            Err(MailTokenRefusal::Unknown)
        } else if self.spent_at.is_some() {
            Err(MailTokenRefusal::Spent)
        } else if self.expires_at <= at {
            Err(MailTokenRefusal::Expired)
        } else {
            Ok(())
        }
    }
}

/// The token's row, without locking it.
pub(super) async fn find_token(
    connection: &mut AsyncPgConnection,
    hash: MailTokenHash,
) -> QueryResult<Option<TokenRow>> {
    mail_tokens::table
        .find(hash.as_bytes().as_slice())
        .select(TokenRow::as_select())
        .first(connection)
        .one("mail.find_token")
        .await
        .optional()
}

/// Uses a token: it and all others of its purpose and account are spent. Returns the account, whose row is locked until
/// the transaction ends; the lock is taken before the token is looked at, so that of several uses at once one counts.
pub(super) async fn use_token(
    connection: &mut AsyncPgConnection,
    hash: MailTokenHash,
    purpose: TokenPurpose,
    at: Timestamp,
) -> Result<(AccountId, Email), Failure<MailTokenError>> {
    let refused = |why| Failure(MailTokenError::Refused(why));
    let token = find_token(connection, hash).await?.ok_or(refused(MailTokenRefusal::Unknown))?;
    let account = token.account_id;
    let (email, disabled): (String, bool) = users::table
        .find(account)
        .select((users::email, users::disabled))
        .for_no_key_update()
        .first(connection)
        .one("mail.lock_account")
        .await?;
    let token = find_token(connection, hash).await?.ok_or(refused(MailTokenRefusal::Unknown))?;
    token.judge(purpose, at).map_err(refused)?;
    if disabled || token.email != email {
        return Err(refused(MailTokenRefusal::Unknown));
    }
    diesel::update(mail_tokens::table)
        .filter(mail_tokens::account_id.eq(account).and(mail_tokens::purpose.eq(purpose.as_str())))
        .filter(mail_tokens::spent_at.is_null())
        .set(mail_tokens::spent_at.eq(Some(at)))
        .execute(connection)
        .changes("mail.spend_tokens")
        .await?;
    let email = RowOf { table: "users", id: account }.read("email", Email::new(&email)).map_err(Unavailable::from)?;
    Ok((AccountId::new(account), email))
}
