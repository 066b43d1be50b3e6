use comanda_domain::{
    Idempotency, Intent, PaymentId, PaymentStatus, Timestamp,
    ports::{BeginPaymentError, Idempotent, PaymentReceipt},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::row::{PaymentRow, for_old_servers};
use crate::{
    database::{Database, Named, schema::payments},
    idempotency::{Claim, claim},
};

const CANCELLED: &str = PaymentStatus::Cancelled.as_str();

pub(super) async fn attach(
    database: &Database,
    id: PaymentId,
    intent: Intent,
    idempotency: Option<Idempotency>,
    at: Timestamp,
) -> Result<Idempotent<PaymentReceipt>, BeginPaymentError> {
    let currency = database.currency();
    database
        .transaction(async move |connection| {
            let claimed = claim::<PaymentRow, _>(connection, idempotency.as_ref(), at).await?;
            if let Claim::Repeats(Some(first)) = claimed {
                // The same request, made at the same time, was a little faster: its response counts.
                return Ok(Idempotent { outcome: first.receipt(currency)?, replayed: true });
            }
            let row = diesel::update(payments::table.find(id.as_uuid()))
                .set((
                    payments::intent.eq(&intent.id.0),
                    payments::client_secret.eq(intent.client_secret.as_ref().map(|secret| secret.0.as_str())),
                    // It was cancelled while the gateway was asked for the intent: that has to be cancelled, too.
                    payments::call_off.eq(payments::call_off.or(payments::status.eq(CANCELLED))),
                    payments::updated_at.eq(at),
                    payments::version.eq(payments::version + 1),
                ))
                .returning(PaymentRow::as_returning())
                .get_result(connection)
                .one("payment.attach")
                .await?;
            let receipt = row.receipt(currency)?;
            if let Claim::First(kept) = claimed {
                kept.keep_for_all(connection, &row, for_old_servers(&receipt.payment)).await?;
            }
            Ok(Idempotent { outcome: receipt, replayed: false })
        })
        .await
}
