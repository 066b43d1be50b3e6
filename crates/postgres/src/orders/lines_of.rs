//! The lines of orders.

use std::collections::HashMap;

use comanda_domain::{
    Currency, MenuItemId, MenuItemName, Money, Note, OrderId, OrderLine, Quantity,
    ports::{Readable, Unavailable},
};
use diesel::{
    dsl::sql,
    expression::SqlLiteral,
    prelude::*,
    sql_types::{Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::chosen::{read_selections, read_taken};
use crate::{
    Database,
    database::{NamedRows, RowOf, schema::order_lines},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = order_lines, check_for_backend(diesel::pg::Pg))]
pub(super) struct OrderLineRow {
    pub(super) order_id: Uuid,
    pub(super) menu_item_id: Uuid,
    unit_price: i64,
    pub(super) quantity: i32,
    /// Whether it took stock.
    pub(super) counted: bool,
    name: String,
    note: Option<String>,
    #[diesel(select_expression = sql::<Nullable<Text>>("order_lines.selections::text"))]
    #[diesel(select_expression_type = SqlLiteral<Nullable<Text>>)]
    selections: Option<String>,
    #[diesel(select_expression = sql::<Nullable<Text>>("order_lines.taken::text"))]
    #[diesel(select_expression_type = SqlLiteral<Nullable<Text>>)]
    taken: Option<String>,
}

impl OrderLineRow {
    pub(super) fn into_line(self, currency: Currency) -> Readable<OrderLine> {
        let row = RowOf { table: "order_lines", id: self.order_id };
        let unit_price = Money::new(self.unit_price, currency);
        let quantity = row.read("quantity", Quantity::new(i64::from(self.quantity)))?;
        let selections = read_selections(&row, self.selections.as_deref(), currency)?;
        Ok(OrderLine {
            menu_item_id: MenuItemId::new(self.menu_item_id),
            name: MenuItemName::stored(&self.name),
            unit_price,
            quantity,
            line_total: row.read("unit_price", OrderLine::total(unit_price, &selections, quantity))?,
            selections,
            note: self.note.as_deref().map(Note::stored),
            taken: read_taken(&row, self.taken.as_deref())?,
        })
    }
}

pub(super) async fn lines_of(
    database: &Database,
    ids: &[OrderId],
) -> Result<HashMap<OrderId, Readable<Vec<OrderLine>>>, Unavailable> {
    let connection = database.read_connection().await?;
    lines_on(&connection, database.currency(), ids).await.map_err(Unavailable::new)
}

pub(crate) async fn lines_on(
    connection: &AsyncPgConnection,
    currency: Currency,
    ids: &[OrderId],
) -> QueryResult<HashMap<OrderId, Readable<Vec<OrderLine>>>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(grouped(line_rows(connection, ids).await?, currency))
}

pub(super) async fn line_rows(mut connection: &AsyncPgConnection, ids: &[OrderId]) -> QueryResult<Vec<OrderLineRow>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    order_lines::table
        .filter(order_lines::order_id.eq_any(ids))
        .order((order_lines::order_id, order_lines::position))
        .select(OrderLineRow::as_select())
        .load(&mut connection)
        .rows("order.lines")
        .await
}

/// The lines by order. An order is known by all of its lines or not at all.
pub(super) fn grouped(rows: Vec<OrderLineRow>, currency: Currency) -> HashMap<OrderId, Readable<Vec<OrderLine>>> {
    let mut orders = HashMap::new();
    for row in rows {
        let lines: &mut Readable<Vec<OrderLine>> =
            orders.entry(OrderId::new(row.order_id)).or_insert_with(|| Ok(Vec::new()));
        let line = row.into_line(currency);
        match (lines.as_mut(), line) {
            (Ok(lines), Ok(line)) => lines.push(line),
            (Ok(_), Err(record)) => *lines = Err(record),
            (Err(_), _) => {}
        }
    }
    orders
}
