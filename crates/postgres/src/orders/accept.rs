//! Accepting an order because of its payment.

use comanda_domain::{AcceptOrders, OrderStatus, Payment, Timestamp, ports::Unavailable};
use diesel_async::AsyncPgConnection;

use super::advance::{Transition, move_order};
use crate::order_row::lock_order_row;

/// Accepts the order of a payment that has begun or changed, in the transaction in which it did, if the payment is what
/// the order waited for. The order is locked already: this reads it again, where the setting asks for it.
pub(crate) async fn accept_when_paid(
    connection: &mut AsyncPgConnection,
    accept: AcceptOrders,
    payment: &Payment,
    at: Timestamp,
) -> Result<(), Unavailable> {
    if !accept.accepts(OrderStatus::Pending, payment) {
        return Ok(());
    }
    let order = lock_order_row(connection, payment.amount.currency(), payment.order_id).await?;
    if let Some(order) = order.filter(|order| accept.accepts(order.status, payment)) {
        let transition = Transition { order: &order, to: OrderStatus::Accepted, at };
        move_order(connection, &transition).await.map_err(Unavailable::new)?;
    }
    Ok(())
}
