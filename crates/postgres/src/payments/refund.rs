use comanda_domain::{DecidedRefund, NewRefund, Refund, ports::RefundPaymentError};

use super::{lock::lock_payment, write::write_refund};
use crate::{
    database::{Database, Failure},
    operations::write_record,
};

pub(super) async fn refund(database: &Database, new: NewRefund) -> Result<Refund, RefundPaymentError> {
    let currency = database.currency();
    database
        .transaction(async move |connection| {
            let row = lock_payment(connection, currency, new.order_id, new.payment_id).await?;
            let payment = row.ok_or(Failure(RefundPaymentError::NotFound))?.payment(currency)?;
            let DecidedRefund { refund, audit } = payment.refund(&new).map_err(|refusal| Failure(refusal.into()))?;
            write_refund(connection, &payment, &refund).await?;
            write_record(connection, &audit).await?;
            Ok(refund)
        })
        .await
}
