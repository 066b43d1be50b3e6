use comanda_domain::{
    SessionId,
    ports::{ChangePasswordError, PasswordChange},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::{
    database::{Database, Failure, Named, schema::users},
    sessions::write_close_all_but,
};

pub(super) async fn change_password(
    database: &Database,
    change: PasswordChange,
) -> Result<Vec<SessionId>, ChangePasswordError> {
    database
        .transaction(async move |connection| {
            let changed = diesel::update(users::table.find(change.account_id.as_uuid()))
                .filter(users::credentials_version.eq(change.known.get()).and(users::disabled.eq(false)))
                .set((
                    users::password_hash.eq(change.password_hash.expose()),
                    users::credentials_version.eq(users::credentials_version + 1),
                ))
                .execute(connection)
                .changes("account.change_password")
                .await?;
            if changed == 0 {
                return Err(Failure(ChangePasswordError::Outdated));
            }
            Ok(write_close_all_but(connection, change.account_id, change.kept, change.at).await?)
        })
        .await
}
