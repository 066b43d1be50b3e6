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
use crate::database::{Database, NamedRows, PageOfRows, schema::menu_items};

pub(super) async fn items(database: &Database, query: MenuItemsQuery) -> Result<Page<MenuItem>, Unavailable> {
    let mut page = PageOfRows::new(query.limit);
    let mut after = query
        .after
        .as_ref()
        .map(|after| (after.category.as_str().to_owned(), after.name.as_str().to_owned(), after.id.as_uuid()));
    let mut connection = database.list_connection().await?;
    loop {
        let mut select = menu_items::table
            .filter(menu_items::archived_at.is_null())
            .order((menu_items::category, menu_items::name, menu_items::id))
            .limit(page.rows())
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
            // Forgives typing mistakes: the similarity, from 0 to 1 and whatever the case, of the text and those words
            // of the name that are most similar to it (<https://www.postgresql.org/docs/current/pgtrgm.html>).
            let similar =
                sql::<Bool>("word_similarity(").bind::<Text, _>(text.clone()).sql(", menu_items.name) >= 0.45");
            select = select.filter(contains.or(similar));
        }
        if let Some((category, name, id)) = after.clone() {
            // (category, name, id) > (…, …, …), spelled out.
            select = select.filter(
                menu_items::category.gt(category.clone()).or(menu_items::category
                    .eq(category)
                    .and(menu_items::name.gt(name.clone()).or(menu_items::name.eq(name).and(menu_items::id.gt(id))))),
            );
        }
        let rows = select.load(&mut *connection).rows("menu.list").await.map_err(Unavailable::new)?;
        after = rows.last().map(|row| (row.category.clone(), row.name.clone(), row.id)).or(after);
        if !page.needs_more(rows.into_iter().map(|row| row.into_item(database.currency()))) {
            return Ok(page.into_page());
        }
    }
}

/// The reader typed a text, not a pattern.
fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
