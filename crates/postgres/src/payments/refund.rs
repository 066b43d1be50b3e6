use comanda_domain::{
    payment::{DecidedRefund, NewRefund, Refund},
    ports::RefundPaymentError,
};
use diesel_async::AsyncConnection;

use super::{PostgresPayments, lock::lock_payment, write::write_refund};
use crate::{audit_log, database::Failure};

pub(super) async fn refund(payments: PostgresPayments, new: NewRefund) -> Result<Refund, RefundPaymentError> {
    let mut connection = payments.database.connection().await?;
    connection
        .transaction::<_, Failure<RefundPaymentError>, _>(async |connection| {
            let row = lock_payment(connection, payments.currency, new.order_id, new.payment_id)
                .await?
                .ok_or(Failure(RefundPaymentError::NotFound))?;
            let payment = row.payment(payments.currency)?;
            let DecidedRefund { refund, audit } = payment.refund(&new).map_err(|refusal| Failure(refusal.into()))?;
            write_refund(connection, &payment, &refund).await?;
            audit_log::write_record(connection, &audit).await?;
            Ok(refund)
        })
        .await
        .map_err(|failure| failure.0)
}
