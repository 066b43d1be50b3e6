use chrono::{DateTime, Utc};
use comanda_domain::{Payment, PaymentId, PaymentStatus, RefusedPayment, Timestamp, ports::Unavailable};
use diesel::prelude::*;
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
            let Some(RefusedPayment { cancelled, reopened }) = row.payment(currency)?.refuse(replaced.as_ref()) else {
                return Ok(());
            };
            // In this order: an order has at most one payment that is open.
            write(connection, &cancelled, at).await?;
            if let Some(reopened) = reopened {
                write(connection, &reopened, at).await?;
            }
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
