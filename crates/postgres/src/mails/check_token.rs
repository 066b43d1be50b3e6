use comanda_domain::{
    Account, MailTokenHash, MailTokenRefusal, Timestamp, TokenPurpose,
    ports::{MailTokenError, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::use_token::find_token;
use crate::{
    accounts::AccountRow,
    database::{Database, Named, schema::users},
};

pub(super) async fn check_token(
    database: &Database,
    hash: MailTokenHash,
    purpose: TokenPurpose,
    at: Timestamp,
) -> Result<Account, MailTokenError> {
    let mut connection = database.connection().await?;
    let token = find_token(&mut connection, hash).await.map_err(Unavailable::new)?;
    let token = token.ok_or(MailTokenError::Refused(MailTokenRefusal::Unknown))?;
    let account: AccountRow = users::table
        .find(token.account_id)
        .select(AccountRow::as_select())
        .first(&mut *connection)
        .one("mail.find_account")
        .await
        .map_err(Unavailable::new)?;
    token.judge(account, purpose, at)
}
