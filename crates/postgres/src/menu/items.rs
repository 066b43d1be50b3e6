use std::ops::ControlFlow;

use comanda_domain::{
    MenuItem, MenuPosition, Page,
    ports::{MenuItemsQuery, Unavailable},
};
use diesel::{
    define_sql_function,
    dsl::sql,
    pg::Pg,
    prelude::*,
    sql_types::{Bool, Text},
};
use diesel_async::RunQueryDsl;

use super::row::MenuItemRow;
use crate::database::{Database, NamedRows, PageOfRows, schema::menu_items};

define_sql_function! {
    /// How a text is searched: without case and accents (see the migration of this name).
    fn folded_for_search(text: Text) -> Text;
}

pub(super) async fn items(
    database: &Database,
    query: MenuItemsQuery,
) -> Result<Page<MenuItem, MenuPosition>, Unavailable> {
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
            select = select
                .filter(folded_for_search(menu_items::category).eq(folded_for_search(category.as_str().to_owned())));
        }
        if let Some(text) = &query.name_like {
            select = select.filter(matches(text));
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
        page = match page.add(rows.into_iter().map(|row| (row.position(), row.into_item(database.currency())))) {
            ControlFlow::Continue(page) => page,
            ControlFlow::Break(page) => return Ok(page),
        };
    }
}

/// A shorter text is much like any word that has its letters, and no index finds it.
const SHORTEST_MISTYPED: usize = 3;

/// Whether a menu item's name holds the text, or a word much like it. Both are compared without case and accents, and
/// by an index (`menu_items_by_folded_name`).
///
/// The second condition forgives typing mistakes: the similarity, from 0 to 1, of the text and those words of the name
/// that are most similar to it (<https://www.postgresql.org/docs/current/pgtrgm.html>). Its threshold is a setting; the
/// subquery sets it for this statement's transaction before any row is read, as nothing in it depends on a row.
fn matches(text: &str) -> Box<dyn BoxableExpression<menu_items::table, Pg, SqlType = Bool>> {
    // The reader typed a text, not a pattern.
    let holds =
        sql::<Bool>("folded_for_search(menu_items.name) LIKE '%' || replace(replace(replace(folded_for_search(")
            .bind::<Text, _>(text.to_owned())
            .sql("), '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%'");
    if text.chars().count() < SHORTEST_MISTYPED {
        return Box::new(holds);
    }
    let is_like = sql::<Bool>("folded_for_search(")
        .bind::<Text, _>(text.to_owned())
        .sql(") <% folded_for_search(menu_items.name)");
    let forgives = sql::<Bool>("(SELECT set_config('pg_trgm.word_similarity_threshold', '0.45', true)) IS NOT NULL");
    Box::new(forgives.and(holds.or(is_like)))
}
