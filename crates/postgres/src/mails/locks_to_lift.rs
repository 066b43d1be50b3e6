use comanda_domain::{Email, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::database::{Database, NamedRows, schema::mail_tokens};

/// How many are lifted in one round.
const LIMIT: i64 = 100;

pub(super) async fn locks_to_lift(database: &Database) -> Result<Vec<Email>, Unavailable> {
    let mut connection = database.connection().await?;
    let emails: Vec<String> = mail_tokens::table
        .filter(mail_tokens::unlock_due)
        .select(mail_tokens::email)
        .limit(LIMIT)
        .load(&mut *connection)
        .rows("mail.locks_to_lift")
        .await
        .map_err(Unavailable::new)?;
    Ok(emails.iter().map(|email| Email::stored(email)).collect())
}
