//! A page of orders, the newest first.

use std::ops::ControlFlow;

use comanda_domain::{
    Order, OrderId, OrderScope, Page,
    ports::{OrdersQuery, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::{
    Database,
    database::{NamedRows, PageOfRows, schema::orders},
    order_row::OrderRow,
};

pub(super) async fn list(database: &Database, query: OrdersQuery) -> Result<Page<Order, OrderId>, Unavailable> {
    let mut page = PageOfRows::new(query.limit);
    let mut after = query.after.map(OrderId::as_uuid);
    let mut connection = database.list_connection().await?;
    loop {
        let mut select =
            orders::table.order(orders::id.desc()).limit(page.rows()).select(OrderRow::as_select()).into_boxed();
        if let OrderScope::OwnedBy(owner) = query.scope {
            select = select.filter(orders::customer_id.eq(owner.as_uuid()));
        }
        if let Some(status) = query.status {
            select = select.filter(orders::status.eq(status.as_str()));
        }
        if let Some(after) = after {
            select = select.filter(orders::id.lt(after));
        }
        let rows = select.load(&mut *connection).rows("order.list").await.map_err(Unavailable::new)?;
        after = rows.last().map(|row| row.id).or(after);
        let rows = rows.into_iter().map(|row| (OrderId::new(row.id), row.into_order(database.currency())));
        page = match page.add(rows) {
            ControlFlow::Continue(page) => page,
            ControlFlow::Break(page) => return Ok(page),
        };
    }
}
