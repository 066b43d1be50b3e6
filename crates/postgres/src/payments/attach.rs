use comanda_domain::{
    Idempotency, Intent, PaymentId, PaymentStatus, Timestamp,
    ports::{BeginPaymentError, Idempotent, PaymentReceipt, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{
    request_key::{answered_before, remember},
    row::PaymentRow,
};
use crate::database::{Database, Failure, Named, schema::payments};

const CANCELLED: &str = PaymentStatus::Cancelled.as_str();

pub(super) async fn attach(
    database: &Database,
    id: PaymentId,
    intent: Intent,
    idempotency: Option<Idempotency>,
    at: Timestamp,
) -> Result<Idempotent<PaymentReceipt>, Unavailable> {
    let currency = database.currency();
    database
        .transaction(async move |connection| {
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
            if let Some(request) = &idempotency
                && !remember(connection, request, &receipt.payment, at).await?
            {
                match answered_before(connection, currency, request, at).await {
                    // The same request, made at the same time, was a little faster: its response counts.
                    Ok(Some(first)) => return Ok(first),
                    // After a failed statement there is nothing left to commit.
                    Err(Failure(BeginPaymentError::Unavailable(cause))) => return Err(Failure(cause)),
                    Ok(None) | Err(_) => {}
                }
            }
            Ok(Idempotent { outcome: receipt, replayed: false })
        })
        .await
}
