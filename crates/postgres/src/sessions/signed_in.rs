use comanda_domain::{AccountId, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::database::{Database, NamedRows, schema::sessions};

/// How many accounts are returned at a time.
const PAGE: i64 = 1000;

/// The next accounts that have a session which was not closed, in the order of their ids, after `after`. None: there are
/// no more.
pub async fn signed_in(database: &Database, after: Option<AccountId>) -> Result<Vec<AccountId>, Unavailable> {
    let mut connection = database.connection().await?;
    let after = after.map_or(Uuid::nil(), AccountId::as_uuid);
    let accounts: Vec<Uuid> = sessions::table
        .filter(sessions::closed_at.is_null().and(sessions::account_id.gt(after)))
        .select(sessions::account_id)
        .distinct()
        .order(sessions::account_id)
        .limit(PAGE)
        .load(&mut *connection)
        .rows("session.signed_in")
        .await
        .map_err(Unavailable::new)?;
    Ok(accounts.into_iter().map(AccountId::new).collect())
}
