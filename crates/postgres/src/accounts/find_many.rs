use comanda_domain::{
    Account, AccountId,
    ports::{Readable, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::AccountRow;
use crate::database::{Database, NamedRows, schema::users};

pub(super) async fn find_many(database: &Database, ids: &[AccountId]) -> Result<Vec<Readable<Account>>, Unavailable> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let mut connection = database.read_connection().await?;
    let rows = users::table
        .filter(users::id.eq_any(ids))
        .select(AccountRow::as_select())
        .load(&mut *connection)
        .rows("account.find")
        .await
        .map_err(Unavailable::new)?;
    Ok(rows.into_iter().map(AccountRow::into_account).collect())
}
