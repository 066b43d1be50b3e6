use std::collections::HashMap;

use comanda_domain::{OrderId, Payment, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::row::PaymentRow;
use crate::database::{Database, NamedRows, schema::payments};

pub(super) async fn of_orders(
    database: &Database,
    ids: &[OrderId],
) -> Result<HashMap<OrderId, Vec<Payment>>, Unavailable> {
    let mut connection = database.read_connection().await?;
    let rows: Vec<PaymentRow> = payments::table
        .filter(payments::order_id.eq_any(ids.iter().map(|id| id.as_uuid())))
        .order((payments::order_id, payments::id))
        .select(PaymentRow::as_select())
        .load(&mut *connection)
        .rows("payment.of_orders")
        .await
        .map_err(Unavailable::new)?;
    let mut found: HashMap<OrderId, Vec<Payment>> = HashMap::new();
    for row in rows {
        let payment = row.payment(database.currency())?;
        found.entry(payment.order_id).or_default().push(payment);
    }
    Ok(found)
}
