use comanda_domain::{
    ids::MenuItemId,
    menu_item::MenuItem,
    money::Currency,
    page::Page,
    ports::{MenuItemsQuery, Unavailable, WholeMenu},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{
    conditional_write::{ReadMode, read_row},
    row::MenuItemRow,
};
use crate::{
    Database,
    schema::{menu_items, menu_version},
};

pub(super) async fn whole(database: &Database, currency: Currency) -> Result<WholeMenu, Unavailable> {
    let connection = database.connection().await?;
    let (mut first, mut second): (&AsyncPgConnection, &AsyncPgConnection) = (&connection, &connection);
    // Pipelined, and the version first: what is read after it is at least as new, so that an older menu never bears a
    // newer version.
    let (version, rows) = futures_util::try_join!(
        menu_version::table.select(menu_version::version).first::<i64>(&mut first),
        menu_items::table
            .filter(menu_items::archived_at.is_null())
            .order((menu_items::category, menu_items::name, menu_items::id))
            .select(MenuItemRow::as_select())
            .load(&mut second),
    )
    .map_err(Unavailable::new)?;
    let items = rows.into_iter().map(|row| row.into_item(currency)).collect::<Result<_, _>>()?;
    Ok(WholeMenu { version: u64::try_from(version).map_err(Unavailable::new)?, items })
}

pub(super) async fn item(
    database: &Database,
    currency: Currency,
    id: MenuItemId,
) -> Result<Option<MenuItem>, Unavailable> {
    let mut connection = database.connection().await?;
    let row = read_row(&mut connection, id, ReadMode::Unlocked).await.map_err(Unavailable::new)?;
    Ok(row.map(|row| row.into_item(currency)).transpose()?)
}

pub(super) async fn items(
    database: &Database,
    currency: Currency,
    query: MenuItemsQuery,
) -> Result<Page<MenuItem>, Unavailable> {
    let mut select = menu_items::table
        .filter(menu_items::archived_at.is_null())
        .order((menu_items::category, menu_items::name, menu_items::id))
        .limit(i64::from(query.limit.get()) + 1)
        .select(MenuItemRow::as_select())
        .into_boxed();
    if !query.include_inactive {
        select = select.filter(menu_items::active);
    }
    if let Some(category) = &query.category {
        select = select.filter(menu_items::category.eq(category.as_str().to_owned()));
    }
    if let Some(text) = &query.name_contains {
        select = select.filter(menu_items::name.ilike(format!("%{}%", escape_like(text))));
    }
    if let Some(after) = &query.after {
        let (category, name) = (after.category.as_str().to_owned(), after.name.as_str().to_owned());
        // (category, name, id) > (…, …, …), spelled out.
        select = select.filter(menu_items::category.gt(category.clone()).or(menu_items::category.eq(category).and(
            menu_items::name.gt(name.clone()).or(menu_items::name.eq(name).and(menu_items::id.gt(after.id.as_uuid()))),
        )));
    }
    let mut connection = database.connection().await?;
    let rows = select.load(&mut *connection).await.map_err(Unavailable::new)?;
    let items = rows.into_iter().map(|row| row.into_item(currency)).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::from_one_more(items, query.limit))
}

/// What the reader typed is text, not a pattern.
fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
