use chrono::{DateTime, Utc};
use comanda_domain::{OrderId, Payment, PaymentId, PaymentStatus, RefusedPayment, Timestamp, ports::Unavailable};
use diesel::{prelude::*, sql_query, sql_types::Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{lock::lock_payment, row::PaymentRow};
use crate::database::{Database, Named, schema::payments};

pub(super) async fn refuse(database: &Database, payment: &Payment, at: Timestamp) -> Result<(), Unavailable> {
    let currency = database.currency();
    let (order_id, id) = (payment.order_id, payment.id);
    database
        .transaction(async move |connection| {
            let Some(row) = lock_payment(connection, currency, order_id, id).await? else { return Ok(()) };
            // The same request, made at the same time, got an intent.
            if row.intent().is_some() {
                return Ok(());
            }
            let replaced = lock_replaced(connection, id).await?.map(|row| row.payment(currency)).transpose()?;
            if let Some(RefusedPayment { cancelled, reopened }) = row.payment(currency)?.refuse(replaced.as_ref()) {
                // In this order: an order has at most one payment that is open.
                write(connection, &cancelled, at).await?;
                if let Some(reopened) = reopened {
                    write(connection, &reopened, at).await?;
                }
            }
            free_keys(connection, order_id, id).await?;
            Ok(())
        })
        .await
}

/// The payment that was cancelled in favour of this one: that happened in the transaction in which this one began, and
/// so at the same moment.
async fn lock_replaced(connection: &mut AsyncPgConnection, id: PaymentId) -> QueryResult<Option<PaymentRow>> {
    let (order_id, begun_at) = payments::table
        .find(id.as_uuid())
        .select((payments::order_id, payments::begun_at))
        .first::<(Uuid, DateTime<Utc>)>(connection)
        .one("payment.find")
        .await?;
    payments::table
        .filter(payments::order_id.eq(order_id).and(payments::updated_at.eq(begun_at)))
        .filter(payments::status.eq(PaymentStatus::Cancelled.as_str()))
        .select(PaymentRow::as_select())
        .for_update()
        .first(connection)
        .one("payment.lock")
        .await
        .optional()
}

/// Frees the keys of its customer under which the payment was begun: a refusal leaves them for another attempt.
async fn free_keys(connection: &mut AsyncPgConnection, order_id: OrderId, id: PaymentId) -> QueryResult<()> {
    sql_query(
        "DELETE FROM idempotency_keys k USING orders o WHERE o.id = $1 AND k.caller_id = o.customer_id \
         AND k.payment_id = $2 AND k.outcome IS NULL AND k.answered_status IS NULL",
    )
    .bind::<SqlUuid, _>(order_id.as_uuid())
    .bind::<SqlUuid, _>(id.as_uuid())
    .execute(connection)
    .changes("payment.free_keys")
    .await
    .map(|_| ())
}

/// The gateway has nothing to cancel: `call_off` stays as it is.
async fn write(connection: &mut AsyncPgConnection, payment: &Payment, at: Timestamp) -> QueryResult<()> {
    let id: Uuid = payment.id.as_uuid();
    diesel::update(payments::table.find(id))
        .set((
            payments::status.eq(payment.status.as_str()),
            payments::updated_at.eq(at),
            payments::version.eq(payments::version + 1),
        ))
        .execute(connection)
        .changes("payment.refuse")
        .await
        .map(|_| ())
}
