use comanda_domain::{MailId, Timestamp, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::database::{Database, Named, schema::mails};

pub(super) async fn settle(database: &Database, id: MailId, next_at: Option<Timestamp>) -> Result<(), Unavailable> {
    let mut connection = database.connection().await?;
    diesel::update(mails::table.find(id.as_uuid()))
        .set(mails::next_at.eq(next_at))
        .execute(&mut *connection)
        .changes("mail.settle")
        .await
        .map(|_| ())
        .map_err(Unavailable::new)
}
