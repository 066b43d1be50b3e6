use comanda_domain::{Email, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::database::{Database, Named, schema::mail_tokens};

pub(super) async fn lock_lifted(database: &Database, email: &Email) -> Result<(), Unavailable> {
    let mut connection = database.connection().await?;
    diesel::update(mail_tokens::table.filter(mail_tokens::email.eq(email.as_str()).and(mail_tokens::unlock_due)))
        .set(mail_tokens::unlock_due.eq(false))
        .execute(&mut *connection)
        .changes("mail.lock_lifted")
        .await
        .map(|_| ())
        .map_err(Unavailable::new)
}
