//! Reading payments and keeping them as they are until the end of the transaction. The order is locked first.

use comanda_domain::{Currency, IntentId, OrderId, Payment, PaymentId, PaymentStatus, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::row::PaymentRow;
use crate::{
    database::{Named, NamedRows, schema::payments},
    order_row::lock_order,
};

/// Locks an order and one of its payments.
pub(super) async fn lock_payment(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    order_id: OrderId,
    id: PaymentId,
) -> Result<Option<PaymentRow>, Unavailable> {
    if lock_order(connection, currency, order_id).await?.is_none() {
        return Ok(None);
    }
    payments::table
        .filter(payments::id.eq(id.as_uuid()).and(payments::order_id.eq(order_id.as_uuid())))
        .select(PaymentRow::as_select())
        .for_update()
        .first(connection)
        .one("payment.lock")
        .await
        .optional()
        .map_err(Unavailable::new)
}

/// The payment by the gateway's id, which is not locked yet.
pub(super) async fn find_by_intent(
    connection: &mut AsyncPgConnection,
    intent: &IntentId,
) -> QueryResult<Option<(OrderId, PaymentId)>> {
    let found: Option<(Uuid, Uuid)> = payments::table
        .filter(payments::intent.eq(&intent.0))
        .select((payments::order_id, payments::id))
        .first(connection)
        .one("payment.find")
        .await
        .optional()?;
    Ok(found.map(|(order_id, id)| (OrderId::new(order_id), PaymentId::new(id))))
}

/// Locks the payment of a locked order that is open or paid, if there is one.
pub(super) async fn lock_active_payment(
    connection: &mut AsyncPgConnection,
    order_id: OrderId,
) -> QueryResult<Option<PaymentRow>> {
    payments::table
        .filter(payments::order_id.eq(order_id.as_uuid()))
        .filter(payments::status.eq_any(PaymentStatus::ACTIVE.map(PaymentStatus::as_str)))
        .select(PaymentRow::as_select())
        .for_update()
        .first(connection)
        .one("payment.lock")
        .await
        .optional()
}

/// Locks all payments of a locked order, in the order of their ids.
pub(crate) async fn lock_payments(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    order_id: OrderId,
) -> Result<Vec<Payment>, Unavailable> {
    let rows: Vec<PaymentRow> = payments::table
        .filter(payments::order_id.eq(order_id.as_uuid()))
        .order(payments::id)
        .select(PaymentRow::as_select())
        .for_update()
        .load(connection)
        .rows("payment.lock")
        .await
        .map_err(Unavailable::new)?;
    rows.iter().map(|row| Ok(row.payment(currency)?)).collect()
}
