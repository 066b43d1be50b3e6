use comanda_domain::{
    ids::MenuItemId,
    menu_item::MenuItem,
    money::Currency,
    page::Page,
    ports::{MenuItemsQuery, Unavailable, WholeMenu},
};
use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{Bool, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{
    conditional_write::{ReadMode, read_row},
    row::MenuItemRow,
};
use crate::{
    Database,
    database::{
        NamedRows,
        schema::{menu_items, menu_version},
    },
};

pub(super) async fn whole(connection: &mut AsyncPgConnection, currency: Currency) -> Result<WholeMenu, Unavailable> {
    // One statement, and so one snapshot: the version is that of these very rows.
    let rows: Vec<(i64, Option<MenuItemRow>)> = menu_version::table
        .left_join(menu_items::table.on(menu_items::archived_at.is_null()))
        .order((menu_items::category, menu_items::name, menu_items::id))
        .select((menu_version::version, Option::<MenuItemRow>::as_select()))
        .load(connection)
        .rows("menu.whole")
        .await
        .map_err(Unavailable::new)?;
    let version = rows.as_slice().first().map_or(0, |(version, _)| *version);
    let items = rows.into_iter().filter_map(|(_, row)| row).map(|row| row.into_item(currency));
    Ok(WholeMenu {
        version: u64::try_from(version).map_err(Unavailable::new)?,
        items: items.collect::<Result<_, _>>()?,
    })
}

pub(super) async fn item(
    database: &Database,
    currency: Currency,
    id: MenuItemId,
) -> Result<Option<MenuItem>, Unavailable> {
    let mut connection = database.read_connection().await?;
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
    if let Some(text) = &query.name_like {
        let contains = menu_items::name.ilike(format!("%{}%", escape_like(text)));
        // Forgives typing mistakes: the likeness of the text to the most alike words of the name, 0 to 1, whatever the case
        // (<https://www.postgresql.org/docs/current/pgtrgm.html>).
        let alike = sql::<Bool>("word_similarity(").bind::<Text, _>(text.clone()).sql(", menu_items.name) >= 0.45");
        select = select.filter(contains.or(alike));
    }
    if let Some(after) = &query.after {
        let (category, name) = (after.category.as_str().to_owned(), after.name.as_str().to_owned());
        // (category, name, id) > (…, …, …), spelled out.
        select = select.filter(menu_items::category.gt(category.clone()).or(menu_items::category.eq(category).and(
            menu_items::name.gt(name.clone()).or(menu_items::name.eq(name).and(menu_items::id.gt(after.id.as_uuid()))),
        )));
    }
    let mut connection = database.list_connection().await?;
    let rows = select.load(&mut *connection).rows("menu.list").await.map_err(Unavailable::new)?;
    let items = rows.into_iter().map(|row| row.into_item(currency)).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::from_one_more(items, query.limit))
}

/// What the reader typed is text, not a pattern.
fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
