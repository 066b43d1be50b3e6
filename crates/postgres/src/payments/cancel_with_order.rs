use comanda_domain::{
    Currency, OrderId, PaymentCancellation, RefundId, Timestamp, payments_after_cancelling, ports::Unavailable,
};
use diesel_async::AsyncPgConnection;

use super::{
    lock::lock_payments,
    write::{write_cancellation, write_refund},
};

/// Cancels or refunds the payments of a locked order, in the transaction that cancels it.
pub(crate) async fn cancel_with_order(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    order_id: OrderId,
    refund_id: RefundId,
    at: Timestamp,
) -> Result<(), Unavailable> {
    let payments = lock_payments(connection, currency, order_id).await?;
    for after in payments_after_cancelling(&payments, refund_id, at) {
        match after {
            PaymentCancellation::Cancels(payment) => {
                write_cancellation(connection, &payment, at).await.map_err(Unavailable::new)?;
            }
            PaymentCancellation::Refunds(payment, refund) => write_refund(connection, &payment, &refund).await?,
        }
    }
    Ok(())
}
