use comanda_domain::{
    Timestamp,
    account::StaffMember,
    ids::{OrderId, PaymentId},
    payment::{Payment, Settlement},
    ports::SettlePaymentError,
};
use diesel_async::AsyncConnection;

use super::{
    PostgresPayments,
    lock::lock_payment,
    write::{PaymentEvent, announce, write_status},
};
use crate::{audit_log, database::Failure};

pub(super) async fn settle(
    payments: PostgresPayments,
    order_id: OrderId,
    id: PaymentId,
    by: StaffMember,
    at: Timestamp,
) -> Result<Payment, SettlePaymentError> {
    let mut connection = payments.database.connection().await?;
    connection
        .transaction::<_, Failure<SettlePaymentError>, _>(async |connection| {
            let row = lock_payment(connection, payments.currency, order_id, id)
                .await?
                .ok_or(Failure(SettlePaymentError::NotFound))?;
            let before = row.payment(payments.currency)?;
            match before.settle(by, at).map_err(|refusal| Failure(refusal.into()))? {
                Settlement::AlreadySettled => Ok(before),
                Settlement::Settles { payment, audit } => {
                    write_status(connection, &payment, at, None).await?;
                    announce(connection, &payment, PaymentEvent::Succeeded, at).await?;
                    audit_log::write_record(connection, &audit).await?;
                    Ok(payment)
                }
            }
        })
        .await
        .map_err(|failure| failure.0)
}
