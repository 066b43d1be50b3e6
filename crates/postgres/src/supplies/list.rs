use std::ops::ControlFlow;

use comanda_domain::{
    Page, Supply, SupplyPosition,
    ports::{SuppliesQuery, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::row::SupplyRow;
use crate::database::{Database, NamedRows, PageOfRows, name_matches, schema::supplies};

pub(super) async fn list(
    database: &Database,
    query: SuppliesQuery,
) -> Result<Page<Supply, SupplyPosition>, Unavailable> {
    let mut page = PageOfRows::new(query.limit);
    let mut after = query.after;
    let mut connection = database.list_connection().await?;
    loop {
        let mut select = supplies::table
            .filter(supplies::archived_at.is_null())
            .order((supplies::name, supplies::id))
            .limit(page.rows())
            .select(SupplyRow::as_select())
            .into_boxed();
        if let Some(text) = &query.name_like {
            select = select.filter(name_matches(text));
        }
        if let Some(SupplyPosition { name, id }) = &after {
            // (name, id) > (…, …), spelled out.
            let name = name.as_str().to_owned();
            select = select
                .filter(supplies::name.gt(name.clone()).or(supplies::name.eq(name).and(supplies::id.gt(id.as_uuid()))));
        }
        let rows = select.load(&mut *connection).rows("supply.list").await.map_err(Unavailable::new)?;
        after = rows.last().map(SupplyRow::position).or(after);
        page = match page.add(rows.into_iter().map(|row| (row.position(), row.into_supply()))) {
            ControlFlow::Continue(page) => page,
            ControlFlow::Break(page) => return Ok(page),
        };
    }
}
