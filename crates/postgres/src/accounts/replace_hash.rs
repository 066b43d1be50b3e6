use comanda_domain::{AccountId, PasswordHash, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::database::{Database, Named, schema::users};

/// Says whether `old` was still the account's.
pub(super) async fn replace_hash(
    database: &Database,
    id: AccountId,
    old: &PasswordHash,
    new: &PasswordHash,
) -> Result<bool, Unavailable> {
    let mut connection = database.connection().await?;
    let replaced = diesel::update(users::table)
        .filter(users::id.eq(id.as_uuid()).and(users::password_hash.eq(old.expose())))
        .set(users::password_hash.eq(new.expose()))
        .execute(&mut *connection)
        .changes("account.replace_hash")
        .await
        .map_err(Unavailable::new)?;
    Ok(replaced == 1)
}
