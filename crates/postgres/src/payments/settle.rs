use comanda_domain::{OrderId, Payment, PaymentId, Settlement, StaffMember, Timestamp, ports::SettlePaymentError};

use super::{
    lock::lock_payment,
    write::{PaymentEvent, announce, write_status},
};
use crate::{
    database::{Database, Failure},
    operations::write_record,
};

pub(super) async fn settle(
    database: &Database,
    order_id: OrderId,
    id: PaymentId,
    by: StaffMember,
    at: Timestamp,
) -> Result<Payment, SettlePaymentError> {
    let currency = database.currency();
    database
        .transaction(async move |connection| {
            let row = lock_payment(connection, currency, order_id, id).await?;
            let before = row.ok_or(Failure(SettlePaymentError::NotFound))?.payment(currency)?;
            match before.settle(by, at).map_err(|refusal| Failure(refusal.into()))? {
                Settlement::AlreadySettled => Ok(before),
                Settlement::Settles { payment, audit } => {
                    write_status(connection, &payment, at, None).await?;
                    announce(connection, &payment, PaymentEvent::Succeeded, at).await?;
                    write_record(connection, &audit).await?;
                    Ok(payment)
                }
            }
        })
        .await
}
