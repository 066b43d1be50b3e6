use std::collections::HashMap;

use comanda_domain::{
    account::OrderScope,
    ids::OrderId,
    money::Currency,
    order::{Order, OrderLine, OrderWithLines},
    order_status::OrderStatus,
    page::Page,
    ports::{OrdersQuery, Unavailable},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::try_join;
use uuid::Uuid;

use super::row::{OrderLineRow, OrderRow};
use crate::{
    Database,
    named::NamedRows,
    schema::{order_lines, orders},
};

pub(super) async fn list(
    database: &Database,
    currency: Currency,
    query: OrdersQuery,
) -> Result<Page<Order>, Unavailable> {
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
    let entries = rows.into_iter().map(|row| row.into_order(currency)).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::from_one_more(entries, query.limit))
}

pub(super) async fn lines_of(
    database: &Database,
    currency: Currency,
    ids: &[OrderId],
) -> Result<HashMap<OrderId, Vec<OrderLine>>, Unavailable> {
    let connection = database.read_connection().await?;
    let rows = line_rows(&connection, ids).await.map_err(Unavailable::new)?;
    grouped(rows, currency)
}

/// Orders as they were placed, whatever became of them since: what a repeated request is answered with.
pub(super) async fn as_placed(
    connection: &AsyncPgConnection,
    currency: Currency,
    ids: &[OrderId],
) -> Result<HashMap<OrderId, OrderWithLines>, Unavailable> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut found = load(connection, currency, ids).await?;
    for OrderWithLines { order, .. } in found.values_mut() {
        order.status = OrderStatus::Pending;
        order.version = 1;
        order.updated_at = order.created_at;
    }
    Ok(found)
}

/// Orders with their lines, in one round trip.
pub(super) async fn load(
    connection: &AsyncPgConnection,
    currency: Currency,
    ids: &[OrderId],
) -> Result<HashMap<OrderId, OrderWithLines>, Unavailable> {
    let wanted: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let mut first = connection;
    let (rows, lines) = try_join!(
        orders::table
            .filter(orders::id.eq_any(wanted))
            .select(OrderRow::as_select())
            .load(&mut first)
            .rows("order.find"),
        line_rows(connection, ids),
    )
    .map_err(Unavailable::new)?;
    let mut lines = grouped(lines, currency)?;
    rows.into_iter()
        .map(|row| {
            let order = row.into_order(currency)?;
            let lines = lines.remove(&order.id).unwrap_or_default();
            Ok((order.id, OrderWithLines { order, lines }))
        })
        .collect()
}

async fn line_rows(mut connection: &AsyncPgConnection, ids: &[OrderId]) -> QueryResult<Vec<OrderLineRow>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    order_lines::table
        .filter(order_lines::order_id.eq_any(ids))
        .order((order_lines::order_id, order_lines::position))
        .select(OrderLineRow::as_select())
        .load(&mut connection)
        .rows("order.lines")
        .await
}

fn grouped(rows: Vec<OrderLineRow>, currency: Currency) -> Result<HashMap<OrderId, Vec<OrderLine>>, Unavailable> {
    let mut lines: HashMap<OrderId, Vec<OrderLine>> = HashMap::new();
    for row in rows {
        lines.entry(OrderId::new(row.order_id)).or_default().push(row.into_line(currency)?);
    }
    Ok(lines)
}
