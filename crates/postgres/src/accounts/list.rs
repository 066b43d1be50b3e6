use std::ops::ControlFlow;

use comanda_domain::{
    Account, AccountId, Page,
    ports::{AccountsQuery, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::AccountRow;
use crate::database::{Database, NamedRows, PageOfRows, schema::users};

pub(super) async fn list(database: &Database, query: AccountsQuery) -> Result<Page<Account, AccountId>, Unavailable> {
    let mut page = PageOfRows::new(query.limit);
    let mut after = query.after.map_or(Uuid::nil(), AccountId::as_uuid);
    let mut connection = database.list_connection().await?;
    loop {
        let mut select = users::table
            .filter(users::id.gt(after))
            .order(users::id)
            .limit(page.rows())
            .select(AccountRow::as_select())
            .into_boxed();
        if let Some(role) = query.role {
            select = select.filter(users::role.eq(role.as_str()));
        }
        if let Some(disabled) = query.disabled {
            select = select.filter(users::disabled.eq(disabled));
        }
        let rows = select.load(&mut *connection).rows("account.list").await.map_err(Unavailable::new)?;
        after = rows.last().map_or(after, |row| row.id);
        page = match page.add(rows.into_iter().map(|row| (AccountId::new(row.id), row.into_account()))) {
            ControlFlow::Continue(page) => page,
            ControlFlow::Break(page) => return Ok(page),
        };
    }
}
