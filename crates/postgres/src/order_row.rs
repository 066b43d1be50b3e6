//! The row of an order and its lock: what placing, cancelling and paying for an order all need.

use chrono::{DateTime, Utc};
use comanda_domain::{
    AccountId, Currency, Money, Note, Order, OrderId, OrderNumber, OrderStatus,
    ports::{Readable, Unavailable},
};
use diesel::{
    prelude::*,
    sql_types::{Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::database::{Named, RowOf, StoredTime, schema::orders, statement};

#[derive(Deserialize, Queryable, Selectable, Serialize)]
#[diesel(table_name = orders, check_for_backend(diesel::pg::Pg))]
pub(crate) struct OrderRow {
    pub(crate) id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) number: i64,
    pub(crate) total: i64,
    #[diesel(deserialize_as = StoredTime)]
    pub(crate) created_at: DateTime<Utc>,
    #[diesel(deserialize_as = StoredTime)]
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) version: i32,
    pub(crate) line_count: i16,
    pub(crate) status: String,
    pub(crate) note: Option<String>,
}

impl OrderRow {
    pub(crate) fn into_order(self, currency: Currency) -> Readable<Order> {
        let row = RowOf { table: "orders", id: self.id };
        Ok(Order {
            id: OrderId::new(self.id),
            number: OrderNumber::new(row.read("number", u64::try_from(self.number))?),
            status: row.read("status", self.status.parse::<OrderStatus>())?,
            total: Money::new(self.total, currency),
            line_count: row.read("line_count", u32::try_from(self.line_count))?,
            note: self.note.as_deref().map(Note::stored),
            customer_id: AccountId::new(self.customer_id),
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: row.read("version", u32::try_from(self.version))?,
        })
    }
}

statement! {
    /// Waits until nobody else changes the order, and has it to oneself until the end of the transaction.
    TakeTurn { order: &'a Uuid as SqlUuid }
    returns Text:
    "SELECT pg_advisory_xact_lock(hashtextextended('order ' || ",
    ", 0))::text"
}

/// Reads an order, and locks it and its row until the end of the transaction.
///
/// A transaction has its number, by which its events are read, from when it first locks a row. Whoever has to wait for
/// a row has the number as soon as the first holder ends, and may have to wait for another one then, whose number is
/// higher. So whoever changes an order waits for an advisory lock before: the later change has the higher number.
pub(crate) async fn lock_order(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    id: OrderId,
) -> Result<Option<Order>, Unavailable> {
    TakeTurn { order: &id.as_uuid() }.execute(connection).changes("order.take_turn").await.map_err(Unavailable::new)?;
    lock_order_row(connection, currency, id).await
}

/// The same for whoever has the row already, and must not wait for those who wait for it.
pub(crate) async fn lock_order_row(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    id: OrderId,
) -> Result<Option<Order>, Unavailable> {
    let row = orders::table
        .find(id.as_uuid())
        .select(OrderRow::as_select())
        .for_no_key_update()
        .first(connection)
        .one("order.lock")
        .await
        .optional()
        .map_err(Unavailable::new)?;
    Ok(row.map(|row| row.into_order(currency)).transpose()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it stands in the database. Whoever changes this text locks out the servers of the release before.
    const KEPT: &str = r#"{"id":"00000000-0000-0000-0000-000000000001",
        "customer_id":"00000000-0000-0000-0000-000000000002","number":7,"total":1980,
        "created_at":"2026-11-28T12:00:00Z","updated_at":"2026-11-28T12:00:01.500Z","version":2,"line_count":1,
        "status":"cancelled","note":"no onions"}"#;

    #[test]
    fn an_outcome_that_was_kept_is_read() {
        let order = serde_json::from_str::<OrderRow>(KEPT).unwrap().into_order(Currency::EUR).unwrap();
        assert_eq!((order.number, order.status, order.version), (OrderNumber::new(7), OrderStatus::Cancelled, 2));
        assert_eq!(order.note.unwrap().as_str(), "no onions");
    }
}
