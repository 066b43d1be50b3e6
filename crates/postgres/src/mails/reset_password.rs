use comanda_domain::{
    Account, AuditAction, AuditRecord, MailKind, MailTokenHash, PasswordHash, Reason, Timestamp, TokenPurpose,
    ports::{MailTokenError, ResetAccount},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{record::record, use_token::use_token};
use crate::{
    database::{
        Database, Named,
        schema::{mail_tokens, users},
    },
    operations::write_record,
    sessions::write_close_all_but,
};

pub(super) async fn reset_password(
    database: &Database,
    hash: MailTokenHash,
    password: PasswordHash,
    at: Timestamp,
) -> Result<ResetAccount, MailTokenError> {
    database
        .transaction(async move |connection| {
            let Account { id, email, .. } = use_token(connection, hash, TokenPurpose::PasswordReset, at).await?;
            diesel::update(mail_tokens::table.find(hash.as_bytes().as_slice()))
                .set(mail_tokens::unlock_due.eq(true))
                .execute(connection)
                .changes("mail.unlock_later")
                .await?;
            diesel::update(users::table.find(id.as_uuid()))
                .set((
                    users::password_hash.eq(password.expose()),
                    users::credentials_version.eq(users::credentials_version + 1),
                ))
                .execute(connection)
                .changes("account.reset_password")
                .await?;
            let ended = write_close_all_but(connection, id, None, at).await?;
            record(connection, MailKind::PasswordChanged, Some(id), &email, at).await?;
            // Servers find in the audit log which locks to lift in their own memory, as for an admin's unlock.
            let unlock = AuditRecord {
                actor: Some(id),
                action: AuditAction::AccountUnlocked,
                target: email.as_str().to_owned(),
                reason: Reason::new("the password was reset by mail").ok(),
                at,
            };
            write_record(connection, &unlock).await?;
            Ok(ResetAccount { id, email, ended })
        })
        .await
}
