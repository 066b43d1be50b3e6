use comanda_domain::{
    Account, AccountId, Page,
    ports::{AccountsQuery, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::AccountRow;
use crate::database::{Database, NamedRows, schema::users};

pub(super) async fn list(database: &Database, query: AccountsQuery) -> Result<Page<Account>, Unavailable> {
    let mut select = users::table
        .filter(users::id.gt(query.after.map_or(Uuid::nil(), AccountId::as_uuid)))
        .order(users::id)
        .limit(i64::from(query.limit.get()) + 1)
        .select(AccountRow::as_select())
        .into_boxed();
    if let Some(role) = query.role {
        select = select.filter(users::role.eq(role.as_str()));
    }
    if let Some(disabled) = query.disabled {
        select = select.filter(users::disabled.eq(disabled));
    }
    let mut connection = database.list_connection().await?;
    let rows = select.load(&mut *connection).rows("account.list").await.map_err(Unavailable::new)?;
    let accounts = rows.into_iter().map(AccountRow::into_account).collect::<Result<_, _>>()?;
    Ok(Page::from_one_more(accounts, query.limit))
}
