//! A page of orders, the newest first.

use comanda_domain::{
    Order, OrderScope, Page,
    ports::{OrdersQuery, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::{
    Database,
    database::{NamedRows, schema::orders},
    order_row::OrderRow,
};

pub(super) async fn list(database: &Database, query: OrdersQuery) -> Result<Page<Order>, Unavailable> {
    let mut select = orders::table
        .order(orders::id.desc())
        .limit(i64::from(query.limit.get()) + 1)
        .select(OrderRow::as_select())
        .into_boxed();
    if let OrderScope::OwnedBy(owner) = query.scope {
        select = select.filter(orders::customer_id.eq(owner.as_uuid()));
    }
    if let Some(status) = query.status {
        select = select.filter(orders::status.eq(status.as_str()));
    }
    if let Some(after) = query.after {
        select = select.filter(orders::id.lt(after.as_uuid()));
    }
    let mut connection = database.list_connection().await?;
    let rows = select.load(&mut *connection).rows("order.list").await.map_err(Unavailable::new)?;
    let entries = rows.into_iter().map(|row| row.into_order(database.currency())).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::from_one_more(entries, query.limit))
}
