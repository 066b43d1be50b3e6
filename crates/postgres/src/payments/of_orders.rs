use std::collections::HashMap;

use comanda_domain::{
    OrderId, Payment,
    ports::{Readable, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::row::PaymentRow;
use crate::database::{Database, NamedRows, schema::payments};

pub(super) async fn of_orders(
    database: &Database,
    ids: &[OrderId],
) -> Result<HashMap<OrderId, Readable<Vec<Payment>>>, Unavailable> {
    let mut connection = database.read_connection().await?;
    let rows: Vec<PaymentRow> = payments::table
        .filter(payments::order_id.eq_any(ids.iter().map(|id| id.as_uuid())))
        .order((payments::order_id, payments::id))
        .select(PaymentRow::as_select())
        .load(&mut *connection)
        .rows("payment.of_orders")
        .await
        .map_err(Unavailable::new)?;
    // An order is shown with all of its payments or with none: one that is missing could be the one that counts.
    let mut found: HashMap<OrderId, Readable<Vec<Payment>>> = HashMap::new();
    for row in rows {
        let payments = found.entry(row.order_id()).or_insert_with(|| Ok(Vec::new()));
        match (payments.as_mut(), row.payment(database.currency())) {
            (Ok(payments), Ok(payment)) => payments.push(payment),
            (Ok(_), Err(record)) => *payments = Err(record),
            (Err(_), _) => {}
        }
    }
    Ok(found)
}
