use std::collections::HashMap;

use comanda_domain::{ExaminedPayment, OrderId, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{incidents::IncidentRow, row::PaymentRow};
use crate::database::{
    Database, NamedRows,
    schema::{payment_incidents, payments},
};

pub(super) async fn of_orders(
    database: &Database,
    ids: &[OrderId],
) -> Result<HashMap<OrderId, Vec<ExaminedPayment>>, Unavailable> {
    let mut connection = database.read_connection().await?;
    let rows: Vec<(PaymentRow, Option<IncidentRow>)> = payments::table
        .left_join(payment_incidents::table)
        .filter(payments::order_id.eq_any(ids.iter().map(|id| id.as_uuid())))
        .order((payments::order_id, payments::id, payment_incidents::opened_at))
        .select((PaymentRow::as_select(), Option::<IncidentRow>::as_select()))
        .load(&mut *connection)
        .rows("payment.of_orders")
        .await
        .map_err(Unavailable::new)?;
    let mut found: HashMap<OrderId, Vec<ExaminedPayment>> = HashMap::new();
    for (row, incident) in rows {
        let payment = row.payment(database.currency())?;
        let of_order = found.entry(payment.order_id).or_default();
        let incident = incident.map(IncidentRow::into_incident).transpose()?;
        match of_order.last_mut() {
            Some(last) if last.payment.id == payment.id => last.incidents.extend(incident),
            _ => of_order.push(ExaminedPayment { payment, incidents: incident.into_iter().collect() }),
        }
    }
    Ok(found)
}
