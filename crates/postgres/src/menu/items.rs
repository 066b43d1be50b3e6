use comanda_domain::{
    MenuItem, Page,
    ports::{MenuItemsQuery, Unavailable},
};
use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{Bool, Text},
};
use diesel_async::RunQueryDsl;

use super::row::MenuItemRow;
use crate::database::{Database, NamedRows, schema::menu_items};

pub(super) async fn items(database: &Database, query: MenuItemsQuery) -> Result<Page<MenuItem>, Unavailable> {
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
        // Forgives typing mistakes: the similarity, from 0 to 1 and whatever the case, of the text and those words of
        // the name that are most similar to it (<https://www.postgresql.org/docs/current/pgtrgm.html>).
        let similar = sql::<Bool>("word_similarity(").bind::<Text, _>(text.clone()).sql(", menu_items.name) >= 0.45");
        select = select.filter(contains.or(similar));
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
    let items = rows.into_iter().map(|row| row.into_item(database.currency())).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::from_one_more(items, query.limit))
}

/// The reader typed a text, not a pattern.
fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
