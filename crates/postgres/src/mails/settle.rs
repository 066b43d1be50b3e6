use comanda_domain::{MailId, Timestamp, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::database::{Database, Named, schema::mails};

/// Whoever took the mail again, because this took longer than the lease, settles it.
pub(super) async fn settle(
    database: &Database,
    id: MailId,
    attempt: u32,
    next_at: Option<Timestamp>,
) -> Result<(), Unavailable> {
    let mut connection = database.connection().await?;
    diesel::update(mails::table.find(id.as_uuid()))
        .filter(mails::attempts.eq(attempt.cast_signed()))
        .set(mails::next_at.eq(next_at))
        .execute(&mut *connection)
        .changes("mail.settle")
        .await
        .map(|_| ())
        .map_err(Unavailable::new)
}
