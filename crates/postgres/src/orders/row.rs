use chrono::{DateTime, Utc};
use comanda_domain::{
    ids::{AccountId, MenuItemId, OrderId},
    money::{Currency, Money},
    order::{Order, OrderLine},
    order_number::OrderNumber,
    order_status::OrderStatus,
    quantity::Quantity,
    text::{MenuItemName, Note},
};
use diesel::prelude::*;
use uuid::Uuid;

use crate::{
    row_error::{InconsistentRow, RowOf},
    schema::{order_lines, orders},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = orders, check_for_backend(diesel::pg::Pg))]
pub(super) struct OrderRow {
    pub(super) id: Uuid,
    pub(super) customer_id: Uuid,
    pub(super) number: i64,
    pub(super) total: i64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) version: i32,
    pub(super) line_count: i16,
    pub(super) status: String,
    pub(super) note: Option<String>,
}

impl OrderRow {
    pub(super) fn into_order(self, currency: Currency) -> Result<Order, InconsistentRow> {
        let row = RowOf { table: "orders", id: self.id };
        Ok(Order {
            id: OrderId::new(self.id),
            number: OrderNumber::new(row.read("number", u64::try_from(self.number))?),
            status: row.read("status", self.status.parse::<OrderStatus>())?,
            total: Money::new(self.total, currency),
            line_count: row.read("line_count", u32::try_from(self.line_count))?,
            note: row.read("note", self.note.as_deref().map(Note::new).transpose())?,
            customer_id: AccountId::new(self.customer_id),
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: row.read("version", u32::try_from(self.version))?,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = order_lines, check_for_backend(diesel::pg::Pg))]
pub(super) struct OrderLineRow {
    pub(super) order_id: Uuid,
    menu_item_id: Uuid,
    unit_price: i64,
    quantity: i32,
    name: String,
    note: Option<String>,
}

impl OrderLineRow {
    pub(super) fn into_line(self, currency: Currency) -> Result<OrderLine, InconsistentRow> {
        let row = RowOf { table: "order_lines", id: self.order_id };
        let unit_price = Money::new(self.unit_price, currency);
        let quantity = row.read("quantity", Quantity::new(i64::from(self.quantity)))?;
        Ok(OrderLine {
            menu_item_id: MenuItemId::new(self.menu_item_id),
            name: row.read("name", MenuItemName::new(&self.name))?,
            unit_price,
            quantity,
            line_total: row.read("unit_price", unit_price.checked_times(quantity))?,
            note: row.read("note", self.note.as_deref().map(Note::new).transpose())?,
        })
    }
}
