//! Orders with their lines.

use std::collections::{HashMap, HashSet};

use comanda_domain::{
    Currency, OrderId, OrderStatus, OrderWithLines,
    ports::{Readable, Unavailable},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::try_join;
use uuid::Uuid;

use super::lines_of::{grouped, line_rows};
use crate::{
    database::{NamedRows, schema::orders},
    order_row::OrderRow,
};

/// Orders as they were when they were placed, whatever has happened to them since: the response to a repeated request.
pub(super) async fn as_placed(
    connection: &AsyncPgConnection,
    currency: Currency,
    ids: &[OrderId],
) -> Result<HashMap<OrderId, Readable<OrderWithLines>>, Unavailable> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let (mut found, accepted) = try_join!(load(connection, currency, ids), accepted_on_placement(connection, ids))?;
    for OrderWithLines { order, .. } in found.values_mut().flatten() {
        order.status = match accepted.contains(&order.id.as_uuid()) {
            true => OrderStatus::Accepted,
            false => OrderStatus::Pending,
        };
        order.version = 1;
        order.updated_at = order.created_at;
    }
    Ok(found)
}

/// Those of the orders that have never been pending.
async fn accepted_on_placement(
    mut connection: &AsyncPgConnection,
    ids: &[OrderId],
) -> Result<HashSet<Uuid>, Unavailable> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let accepted: Vec<Uuid> = orders::table
        .filter(orders::id.eq_any(ids).and(orders::accepted_on_placement))
        .select(orders::id)
        .load(&mut connection)
        .rows("order.accepted_on_placement")
        .await
        .map_err(Unavailable::new)?;
    Ok(accepted.into_iter().collect())
}

/// The order of a row, with its lines, which never change.
pub(super) async fn with_lines(
    connection: &AsyncPgConnection,
    currency: Currency,
    row: OrderRow,
) -> Result<OrderWithLines, Unavailable> {
    let order = row.into_order(currency)?;
    let mut lines = grouped(line_rows(connection, &[order.id]).await.map_err(Unavailable::new)?, currency);
    let lines = lines.remove(&order.id).transpose()?.unwrap_or_default();
    Ok(OrderWithLines { order, lines })
}

/// Orders with their lines, in one round trip. One that cannot be read hides no other.
pub(crate) async fn load(
    connection: &AsyncPgConnection,
    currency: Currency,
    ids: &[OrderId],
) -> Result<HashMap<OrderId, Readable<OrderWithLines>>, Unavailable> {
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
    let mut lines = grouped(lines, currency);
    let order_of = |row: OrderRow| {
        let id = OrderId::new(row.id);
        let lines = lines.remove(&id).unwrap_or_else(|| Ok(Vec::new()));
        (id, row.into_order(currency).and_then(|order| Ok(OrderWithLines { order, lines: lines? })))
    };
    Ok(rows.into_iter().map(order_of).collect())
}
