use std::collections::HashMap;

use comanda_domain::{
    Currency, ExaminedPayment, OrderId,
    ports::{Readable, Unavailable},
};
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
) -> Result<HashMap<OrderId, Readable<Vec<ExaminedPayment>>>, Unavailable> {
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
    // An order is shown with all of its payments or with none: one that is missing could be the one that counts.
    let mut found: HashMap<OrderId, Readable<Vec<ExaminedPayment>>> = HashMap::new();
    for (row, incident) in rows {
        let payments = found.entry(row.order_id()).or_insert_with(|| Ok(Vec::new()));
        let Ok(of_order) = payments else { continue };
        if let Err(record) = add(of_order, &row, incident, database.currency()) {
            *payments = Err(record);
        }
    }
    Ok(found)
}

fn add(
    of_order: &mut Vec<ExaminedPayment>,
    row: &PaymentRow,
    incident: Option<IncidentRow>,
    currency: Currency,
) -> Readable<()> {
    let incident = incident.map(IncidentRow::into_incident).transpose()?;
    match of_order.last_mut() {
        Some(last) if last.payment.id.as_uuid() == row.id() => last.incidents.extend(incident),
        _ => of_order
            .push(ExaminedPayment { payment: row.payment(currency)?, incidents: incident.into_iter().collect() }),
    }
    Ok(())
}
