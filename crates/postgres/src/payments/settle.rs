use comanda_domain::{
    AcceptOrders, Idempotency, OrderId, Payment, PaymentId, Settlement, StaffMember, Timestamp,
    ports::{Idempotent, SettlePaymentError},
};

use super::{
    lock::lock_payment,
    row::PaymentRow,
    write::{PaymentEvent, announce, write_payment, write_status},
};
use crate::{
    database::{Database, Failure},
    idempotency::claim,
    operations::write_record,
    orders::accept_when_paid,
};

pub(super) async fn settle(
    database: &Database,
    accept: AcceptOrders,
    order_id: OrderId,
    id: PaymentId,
    by: StaffMember,
    at: Timestamp,
    idempotency: Option<Idempotency>,
) -> Result<Idempotent<Payment>, SettlePaymentError> {
    let currency = database.currency();
    database
        .transaction(async move |connection| {
            let kept = match claim::<PaymentRow, _>(connection, idempotency.as_ref(), at).await?.first()? {
                Ok(kept) => kept,
                Err(row) => return Ok(Idempotent { outcome: row.payment(currency)?, replayed: true }),
            };
            let row = lock_payment(connection, currency, order_id, id).await?;
            let row = row.ok_or(Failure(SettlePaymentError::NotFound))?;
            let before = row.payment(currency)?;
            let settled = match before.settle(by, at).map_err(|refusal| Failure(refusal.into()))? {
                Settlement::AlreadySettled => before,
                Settlement::Settles { payment, audit } => {
                    write_status(connection, &payment, at, None).await?;
                    write_payment(connection, payment.id, at).await?;
                    announce(connection, &payment, PaymentEvent::Succeeded, at).await?;
                    write_record(connection, &audit).await?;
                    accept_when_paid(connection, accept, &payment, at).await?;
                    payment
                }
            };
            kept.keep(connection, &row.with_status(settled.status)).await?;
            Ok(Idempotent { outcome: settled, replayed: false })
        })
        .await
}
