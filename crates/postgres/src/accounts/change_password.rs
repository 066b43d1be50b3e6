use comanda_domain::{
    Email, MailKind, SessionId,
    ports::{ChangePasswordError, PasswordChange},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::{
    database::{Database, Failure, Named, schema::users},
    mails::record,
    sessions::write_close_all_but,
};

pub(super) async fn change_password(
    database: &Database,
    change: PasswordChange,
) -> Result<Vec<SessionId>, ChangePasswordError> {
    database
        .transaction(async move |connection| {
            let email: Option<String> = diesel::update(users::table.find(change.account_id.as_uuid()))
                .filter(users::credentials_version.eq(change.known.get()).and(users::disabled.eq(false)))
                .set((
                    users::password_hash.eq(change.password_hash.expose()),
                    users::credentials_version.eq(users::credentials_version + 1),
                ))
                .returning(users::email)
                .get_result(connection)
                .one("account.change_password")
                .await
                .optional()?;
            let email = email.ok_or(Failure(ChangePasswordError::Outdated))?;
            let kind = MailKind::PasswordChanged;
            record(connection, kind, Some(change.account_id), &Email::stored(&email), change.at).await?;
            Ok(write_close_all_but(connection, change.account_id, change.kept, change.at).await?)
        })
        .await
}
