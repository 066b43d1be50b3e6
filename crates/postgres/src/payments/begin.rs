use comanda_domain::{
    Timestamp,
    payment::{Beginning, NewPayment, Payment, PaymentStatus, begin_payment},
    ports::{BeginPaymentError, BegunPayment, Idempotent},
};
use diesel::{
    QueryResult, sql_query,
    sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use super::{
    PostgresPayments,
    lock::lock_active_payment,
    request_key::{answered_before, remember},
    row::{COLUMNS, PaymentRow},
    write::{PaymentEvent, announce, write_cancellation},
};
use crate::{
    database::{Failure, Named},
    order_row::lock_order,
};

type BeginFailure = Failure<BeginPaymentError>;

pub(super) async fn begin(payments: PostgresPayments, new: NewPayment) -> Result<BegunPayment, BeginPaymentError> {
    let mut connection = payments.database.connection().await?;
    connection
        .transaction::<_, BeginFailure, _>(async |connection| begin_locked(&payments, connection, &new).await)
        .await
        .map_err(|failure| failure.0)
}

async fn begin_locked(
    payments: &PostgresPayments,
    connection: &mut AsyncPgConnection,
    new: &NewPayment,
) -> Result<BegunPayment, BeginFailure> {
    // Whoever else pays for the order, or cancels it, waits here.
    let order = lock_order(connection, payments.currency, new.order_id)
        .await?
        .filter(|order| new.scope.admits(order.customer_id))
        .ok_or(Failure(BeginPaymentError::NotFound))?;
    if let Some(request) = &new.idempotency
        && let Some(receipt) = answered_before(connection, payments.currency, request, new.begun_at).await?
    {
        return Ok(BegunPayment::Complete(receipt));
    }
    let active = lock_active_payment(connection, new.order_id).await?;
    let active_payment = active.as_ref().map(|row| row.payment(payments.currency)).transpose()?;
    let row = match begin_payment(&order, active_payment.as_ref(), new).map_err(|refusal| Failure(refusal.into()))? {
        Beginning::Continues(_) => active.ok_or(Failure(BeginPaymentError::NotFound))?,
        Beginning::Begins { payment, replaced } => {
            if let Some(replaced) = replaced {
                write_cancellation(connection, &replaced, new.begun_at).await?;
            }
            let row = insert(connection, &payment, new.begun_at).await?;
            if payment.status == PaymentStatus::Succeeded {
                announce(connection, &payment, PaymentEvent::Succeeded, new.begun_at).await?;
            }
            row
        }
    };
    let receipt = row.receipt(payments.currency)?;
    if receipt.payment.awaits_card() && row.intent().is_none() {
        return Ok(BegunPayment::NeedsIntent(receipt.payment));
    }
    if let Some(request) = &new.idempotency {
        remember(connection, request, &receipt.payment, new.begun_at).await?;
    }
    Ok(BegunPayment::Complete(Idempotent { outcome: receipt, replayed: false }))
}

async fn insert(connection: &mut AsyncPgConnection, payment: &Payment, at: Timestamp) -> QueryResult<PaymentRow> {
    sql_query(format!(
        "INSERT INTO payments (id, order_id, amount, begun_at, updated_at, expires_at, method, status) \
         VALUES ($1, $2, $3, $4, $4, $5, $6, $7) RETURNING {COLUMNS}"
    ))
    .bind::<SqlUuid, _>(payment.id.as_uuid())
    .bind::<SqlUuid, _>(payment.order_id.as_uuid())
    .bind::<BigInt, _>(payment.amount.amount())
    .bind::<Timestamptz, _>(at)
    .bind::<Nullable<Timestamptz>, _>(payment.expires_at)
    .bind::<Text, _>(payment.method.as_str())
    .bind::<Text, _>(payment.status.as_str())
    .get_result(connection)
    .one("payment.insert")
    .await
}
