use comanda_domain::{Account, AccountId, PersonName, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::AccountRow;
use crate::database::{Database, Named, schema::users};

pub(super) async fn rename(
    database: &Database,
    id: AccountId,
    name: &PersonName,
) -> Result<Option<Account>, Unavailable> {
    let mut connection = database.connection().await?;
    let row = diesel::update(users::table.find(id.as_uuid()))
        .set(users::name.eq(name.as_str()))
        .returning(AccountRow::as_returning())
        .get_result(&mut *connection)
        .one("account.rename")
        .await
        .optional()
        .map_err(Unavailable::new)?;
    Ok(row.map(AccountRow::into_account).transpose()?)
}
