use std::ops::ControlFlow;

use comanda_domain::{
    MenuItem, MenuPosition, Page,
    ports::{MenuItemsQuery, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{StockedDefinitions, row::MenuItemRow};
use crate::database::{Database, NamedRows, PageOfRows, folded_for_search, name_matches, schema::menu_items};

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
            select = select.filter(name_matches(text));
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
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let currency = database.currency();
        let definitions = StockedDefinitions::read(&mut connection, &ids, currency).await?;
        let item = |row: MenuItemRow| {
            let position = row.position();
            (position, definitions.of(row.id).and_then(|definition| row.into_item(definition, currency)))
        };
        page = match page.add(rows.into_iter().map(item)) {
            ControlFlow::Continue(page) => page,
            ControlFlow::Break(page) => return Ok(page),
        };
    }
}
