use comanda_domain::{
    AcceptOrders, Beginning, Currency, NewPayment, Payment, PaymentMethod, PaymentStatus, Timestamp, begin_payment,
    ports::{BeginPaymentError, BegunPayment, Idempotent, PaymentReceipt},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{
    lock::{lock_active_payment, lock_payment},
    replay::{replay, replay_of_old_server},
    row::{PaymentRow, for_old_servers},
    write::{PaymentEvent, announce, write_cancellation},
};
use crate::{
    database::{Database, Failure, Named, schema::payments},
    idempotency::{Claim, claim},
    order_row::lock_order,
    orders::accept_when_paid,
};

pub(super) async fn begin(
    database: &Database,
    accept: AcceptOrders,
    new: NewPayment,
) -> Result<BegunPayment, BeginPaymentError> {
    let currency = database.currency();
    database
        .transaction(async move |connection| {
            let claimed = claim::<PaymentRow, _>(connection, new.idempotency.as_ref(), new.begun_at).await?;
            let (kept, begun) = match claimed {
                Claim::First(kept) => (kept, None),
                Claim::Repeats(row) => {
                    return Ok(BegunPayment::Complete(replay(connection, currency, row).await?));
                }
                Claim::WithoutOutcome(request) => {
                    if let Some(first) = replay_of_old_server(connection, currency, &request).await? {
                        return Ok(BegunPayment::Complete(first));
                    }
                    let begun = request.payment;
                    (request.go_on()?, begun)
                }
            };
            if new.method == PaymentMethod::Card && new.chargeable.is_none() {
                return Err(Failure(BeginPaymentError::CardsNotTaken));
            }
            // Whoever else pays for the order, or cancels it, waits here.
            let order = lock_order(connection, currency, new.order_id)
                .await?
                .filter(|order| new.scope.admits(order.customer_id))
                .ok_or(Failure(BeginPaymentError::NotFound))?;
            let own = match begun {
                Some(id) => lock_payment(connection, currency, new.order_id, id).await?,
                None => None,
            };
            if begun.is_some()
                && let Some(first) = find_response(connection, currency, &new).await?
            {
                return Ok(BegunPayment::Complete(first));
            }
            let row = match own {
                // The request goes on with its payment, whatever has become of that. It may be paid by now, because the
                // gateway's event was faster than its response, or cancelled, because the customer pays in another way.
                Some(row) => row,
                None => {
                    let active = lock_active_payment(connection, new.order_id).await?;
                    let active_payment = active.as_ref().map(|row| row.payment(currency)).transpose()?;
                    let beginning = begin_payment(&order, active_payment.as_ref(), &new);
                    match beginning.map_err(|refusal| Failure(refusal.into()))? {
                        Beginning::Continues(payment) => {
                            // It may have begun when the setting was another one.
                            accept_when_paid(connection, accept, &payment, new.begun_at).await?;
                            active.ok_or(Failure(BeginPaymentError::NotFound))?
                        }
                        Beginning::Begins { payment, replaced } => {
                            if let Some(replaced) = replaced {
                                write_cancellation(connection, &replaced, new.begun_at).await?;
                            }
                            let row = write_beginning(connection, &payment, new.begun_at).await?;
                            accept_when_paid(connection, accept, &payment, new.begun_at).await?;
                            row
                        }
                    }
                }
            };
            let receipt = row.receipt(currency)?;
            if receipt.payment.awaits_card() && row.intent().is_none() {
                kept.begin(connection, &receipt.payment).await?;
                return Ok(BegunPayment::NeedsIntent(receipt.payment));
            }
            kept.keep_for_all(connection, &row, for_old_servers(&receipt.payment)).await?;
            Ok(BegunPayment::Complete(Idempotent { outcome: receipt, replayed: false }))
        })
        .await
}

/// The response to the same request, which another server may have given while this one waited for the payment.
async fn find_response(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    new: &NewPayment,
) -> Result<Option<Idempotent<PaymentReceipt>>, Failure<BeginPaymentError>> {
    match claim::<PaymentRow, _>(connection, new.idempotency.as_ref(), new.begun_at).await? {
        Claim::First(_) => Ok(None),
        Claim::Repeats(row) => replay(connection, currency, row).await.map(Some),
        Claim::WithoutOutcome(request) => replay_of_old_server(connection, currency, &request).await,
    }
}

async fn write_beginning(
    connection: &mut AsyncPgConnection,
    payment: &Payment,
    at: Timestamp,
) -> QueryResult<PaymentRow> {
    let row = diesel::insert_into(payments::table)
        .values((
            payments::id.eq(payment.id.as_uuid()),
            payments::order_id.eq(payment.order_id.as_uuid()),
            payments::amount.eq(payment.amount.amount()),
            payments::begun_at.eq(at),
            payments::updated_at.eq(at),
            payments::expires_at.eq(payment.expires_at),
            payments::method.eq(payment.method.as_str()),
            payments::status.eq(payment.status.as_str()),
        ))
        .returning(PaymentRow::as_returning())
        .get_result(connection)
        .one("payment.insert")
        .await?;
    if payment.status == PaymentStatus::Succeeded {
        announce(connection, payment, PaymentEvent::Succeeded, at).await?;
    }
    Ok(row)
}
