use std::collections::HashMap;

use comanda_domain::{ids::OrderId, payment::Payment, ports::Unavailable};
use diesel::{
    sql_query,
    sql_types::{Array, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{
    PostgresPayments,
    row::{COLUMNS, PaymentRow},
};
use crate::database::NamedRows;

pub(super) async fn of_orders(
    payments: &PostgresPayments,
    ids: &[OrderId],
) -> Result<HashMap<OrderId, Vec<Payment>>, Unavailable> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let mut connection = payments.database.read_connection().await?;
    let rows: Vec<PaymentRow> =
        sql_query(format!("SELECT {COLUMNS} FROM payments WHERE order_id = ANY($1) ORDER BY order_id, id"))
            .bind::<Array<SqlUuid>, _>(ids)
            .load(&mut *connection)
            .rows("payment.of_orders")
            .await
            .map_err(Unavailable::new)?;
    let mut found: HashMap<OrderId, Vec<Payment>> = HashMap::new();
    for row in rows {
        let payment = row.payment(payments.currency)?;
        found.entry(payment.order_id).or_default().push(payment);
    }
    Ok(found)
}
