use comanda_domain::{
    DecidedRefund, Idempotency, NewRefund, Refund,
    ports::{Idempotent, RefundPaymentError},
};

use super::{lock::lock_payment, row::RefundRow, write::write_refund};
use crate::{
    database::{Database, Failure},
    idempotency::claim,
    operations::write_record,
};

pub(super) async fn refund(
    database: &Database,
    new: NewRefund,
    idempotency: Option<Idempotency>,
) -> Result<Idempotent<Refund>, RefundPaymentError> {
    let currency = database.currency();
    database
        .transaction(async move |connection| {
            let claimed = claim::<RefundRow, _>(connection, idempotency.as_ref(), new.requested_at).await?;
            let kept = match claimed.first()? {
                Ok(kept) => kept,
                Err(row) => return Ok(Idempotent { outcome: row.into_refund(currency)?, replayed: true }),
            };
            let row = lock_payment(connection, currency, new.order_id, new.payment_id).await?;
            let payment = row.ok_or(Failure(RefundPaymentError::NotFound))?.payment(currency)?;
            let DecidedRefund { refund, audit } = payment.refund(&new).map_err(|refusal| Failure(refusal.into()))?;
            write_refund(connection, &payment, &refund).await?;
            write_record(connection, &audit).await?;
            kept.keep(connection, &RefundRow::of(&refund)).await?;
            Ok(Idempotent { outcome: refund, replayed: false })
        })
        .await
}
