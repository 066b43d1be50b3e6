use comanda_domain::{NewMailToken, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::database::{Database, Named, schema::mail_tokens};

pub(super) async fn add_token(database: &Database, token: &NewMailToken) -> Result<(), Unavailable> {
    let mut connection = database.connection().await?;
    diesel::insert_into(mail_tokens::table)
        .values((
            mail_tokens::hash.eq(token.hash.as_bytes().as_slice()),
            mail_tokens::purpose.eq(token.purpose.as_str()),
            mail_tokens::account_id.eq(token.account_id.as_uuid()),
            mail_tokens::email.eq(token.email.as_str()),
            mail_tokens::expires_at.eq(token.expires_at),
            mail_tokens::credentials_version.eq(token.credentials.get()),
        ))
        .execute(&mut *connection)
        .changes("mail.add_token")
        .await
        .map(|_| ())
        .map_err(Unavailable::new)
}
