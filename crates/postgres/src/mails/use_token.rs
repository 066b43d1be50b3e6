use comanda_domain::{
    Account, MailTokenHash, MailTokenRefusal, Timestamp, TokenPurpose,
    ports::{MailTokenError, Unavailable},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    accounts::AccountRow,
    database::{
        Failure, MaybeStoredTime, Named, StoredTime,
        schema::{mail_tokens, users},
    },
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = mail_tokens, check_for_backend(diesel::pg::Pg))]
pub(super) struct TokenRow {
    purpose: String,
    pub(super) account_id: Uuid,
    email: String,
    #[diesel(deserialize_as = StoredTime)]
    expires_at: Timestamp,
    credentials_version: i64,
    #[diesel(deserialize_as = MaybeStoredTime)]
    spent_at: Option<Timestamp>,
}

impl TokenRow {
    /// The account that the token was mailed to, if the token counts.
    pub(super) fn judge(
        self,
        account: AccountRow,
        purpose: TokenPurpose,
        at: Timestamp,
    ) -> Result<Account, MailTokenError> {
        let is_outdated =
            purpose == TokenPurpose::PasswordReset && self.credentials_version != account.credentials_version();
        let account = account.into_account().map_err(Unavailable::from)?;
        let why = if self.purpose != purpose.as_str() || account.disabled || self.email != account.email.as_str() {
            MailTokenRefusal::Unknown
        } else if self.spent_at.is_some() {
            MailTokenRefusal::Spent
        } else if self.expires_at <= at {
            MailTokenRefusal::Expired
        } else if is_outdated {
            MailTokenRefusal::Outdated
        } else {
            return Ok(account);
        };
        Err(MailTokenError::Refused(why))
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
) -> Result<Account, Failure<MailTokenError>> {
    let unknown = || Failure(MailTokenError::Refused(MailTokenRefusal::Unknown));
    let id = find_token(connection, hash).await?.ok_or_else(unknown)?.account_id;
    let account: AccountRow = users::table
        .find(id)
        .select(AccountRow::as_select())
        .for_no_key_update()
        .first(connection)
        .one("mail.lock_account")
        .await?;
    let token = find_token(connection, hash).await?.ok_or_else(unknown)?;
    let account = token.judge(account, purpose, at).map_err(Failure)?;
    diesel::update(mail_tokens::table)
        .filter(mail_tokens::account_id.eq(id).and(mail_tokens::purpose.eq(purpose.as_str())))
        .filter(mail_tokens::spent_at.is_null())
        .set(mail_tokens::spent_at.eq(Some(at)))
        .execute(connection)
        .changes("mail.spend_tokens")
        .await?;
    Ok(account)
}
