use comanda_domain::{Email, MailKind, MailLimits, Mailbox, Timestamp, ports::Unavailable};

use super::{
    limit::{Class, lock, requested},
    record::record,
};
use crate::database::Database;

/// Reads nothing about accounts, so it takes the same time for every address.
pub(super) async fn request_password_reset(
    database: &Database,
    limits: MailLimits,
    email: Email,
    at: Timestamp,
) -> Result<(), Unavailable> {
    database
        .transaction(async move |connection| {
            lock(connection, &Mailbox::of(&email)).await?;
            let (count, _) = requested(connection, MailKind::PasswordReset, &email, at).await?;
            if count < Class::PasswordReset.limit(limits) {
                record(connection, MailKind::PasswordReset, None, &email, at).await?;
            }
            Ok(())
        })
        .await
}
