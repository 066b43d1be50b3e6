use comanda_domain::{
    Idempotency, Intent, PaymentId, PaymentStatus, Timestamp,
    ports::{BeginPaymentError, Idempotent, PaymentReceipt},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{
    replay::{replay, replay_of_old_server},
    row::{PaymentRow, for_old_servers},
};
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
            // The same request, made at the same time, waits here, and then finds the outcome.
            let payment = payments::table.find(id.as_uuid()).select(payments::intent).for_update();
            let known: Option<String> = payment.first(connection).one("payment.lock").await?;
            let (kept, first) = match claim::<PaymentRow, _>(connection, idempotency.as_ref(), at).await? {
                Claim::First(kept) => (Some(kept), None),
                Claim::Repeats(first) => (None, Some(replay(connection, currency, first).await?)),
                Claim::WithoutOutcome(request) => {
                    let first = replay_of_old_server(connection, currency, &request).await?;
                    // The key may stand for another payment by now.
                    let is_own = first.is_none() && request.payment.is_none_or(|begun| begun == id);
                    (is_own.then(|| request.end()), first)
                }
            };
            if let Some(first) = first {
                // It was given while the gateway was asked, because the payment was over. The intent is to be
                // cancelled all the same.
                if known.is_none() {
                    write_intent(connection, id, &intent, at).await?;
                }
                return Ok(first);
            }
            let row = write_intent(connection, id, &intent, at).await?;
            let receipt = row.receipt(currency)?;
            if let Some(kept) = kept {
                kept.keep_for_all(connection, &row, for_old_servers(&receipt.payment)).await?;
            }
            Ok(Idempotent { outcome: receipt, replayed: false })
        })
        .await
}

async fn write_intent(
    connection: &mut AsyncPgConnection,
    id: PaymentId,
    intent: &Intent,
    at: Timestamp,
) -> QueryResult<PaymentRow> {
    diesel::update(payments::table.find(id.as_uuid()))
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
        .await
}
