use std::ops::ControlFlow;

use comanda_domain::{
    OptionGroup, OptionGroupPosition, Page,
    ports::{OptionGroupsQuery, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::row::{GroupRow, GroupWithOptions};
use crate::database::{Database, NamedRows, PageOfRows, schema::option_groups};

pub(super) async fn list(
    database: &Database,
    query: OptionGroupsQuery,
) -> Result<Page<OptionGroup, OptionGroupPosition>, Unavailable> {
    let currency = database.currency();
    let mut page = PageOfRows::new(query.limit);
    let mut after = query.after;
    let mut connection = database.list_connection().await?;
    loop {
        let mut select = option_groups::table
            .filter(option_groups::archived_at.is_null())
            .order((option_groups::name, option_groups::id))
            .limit(page.rows())
            .select(GroupRow::as_select())
            .into_boxed();
        if let Some(OptionGroupPosition { name, id }) = &after {
            // (name, id) > (…, …), spelled out.
            let name = name.as_str().to_owned();
            let is_same = option_groups::name.eq(name.clone());
            select = select.filter(option_groups::name.gt(name).or(is_same.and(option_groups::id.gt(id.as_uuid()))));
        }
        let rows = select.load(&mut *connection).rows("option_group.list").await.map_err(Unavailable::new)?;
        after = rows.last().map(GroupRow::position).or(after);
        let groups = GroupWithOptions::of(&mut connection, rows).await.map_err(Unavailable::new)?;
        page = match page.add(groups.into_iter().map(|row| (row.group.position(), row.into_group(currency)))) {
            ControlFlow::Continue(page) => page,
            ControlFlow::Break(page) => return Ok(page),
        };
    }
}
