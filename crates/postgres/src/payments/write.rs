//! What is written about a payment, whoever has decided it. The payment and its order are locked.

use comanda_domain::{
    AccountId, Payment, PaymentId, PaymentStatus, Refund, RefundStatus, Timestamp, ports::Unavailable,
};
use diesel::{
    define_sql_function,
    prelude::*,
    sql_types::{Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{incidents::follow_mismatch, row::RefundRow};
use crate::database::{
    Named, NamedRows,
    schema::{outbox_events, payments, refunds},
};

define_sql_function! {
    fn coalesce(first: Nullable<Timestamptz>, otherwise: Timestamptz) -> Nullable<Timestamptz>;
}

/// What subscribers hear about a payment.
#[derive(Clone, Copy)]
pub(super) enum PaymentEvent {
    Succeeded,
    Failed,
    Refunded,
}

/// Writes the event, in the stream of the payment's order.
pub(super) async fn announce(
    connection: &mut AsyncPgConnection,
    payment: &Payment,
    event: PaymentEvent,
    at: Timestamp,
) -> QueryResult<()> {
    let kind = match event {
        PaymentEvent::Succeeded => "payment.succeeded",
        PaymentEvent::Failed => "payment.failed",
        PaymentEvent::Refunded => "payment.refunded",
    };
    let of_this_version = payments::table.find(payment.id.as_uuid()).select((
        kind.into_sql::<Text>(),
        payments::id,
        payments::version,
        at.into_sql::<Timestamptz>(),
        payments::order_id.nullable(),
    ));
    diesel::insert_into(outbox_events::table)
        .values(of_this_version)
        .into_columns((
            outbox_events::kind,
            outbox_events::subject_id,
            outbox_events::subject_version,
            outbox_events::occurred_at,
            outbox_events::stream_id,
        ))
        .execute(connection)
        .changes("payment.insert_event")
        .await
        .map(|_| ())
}

/// Writes the payment's new status. `reported_at` is the time of the gateway's report that led to it, if one did.
pub(super) async fn write_status(
    connection: &mut AsyncPgConnection,
    payment: &Payment,
    at: Timestamp,
    reported_at: Option<Timestamp>,
) -> QueryResult<()> {
    diesel::update(payments::table.find(payment.id.as_uuid()))
        .set((
            payments::status.eq(payment.status.as_str()),
            payments::updated_at.eq(at),
            payments::version.eq(payments::version + 1),
            // What is `None` stays as it is.
            reported_at.map(|reported_at| payments::reported_at.eq(reported_at)),
        ))
        .execute(connection)
        .changes("payment.move")
        .await
        .map(|_| ())
}

/// Writes that money has come in for a payment, whether or not it counts as paid. If it is not what was asked for, an
/// incident says how much. A day that is closed stays as it is: the money came when that was first reported.
pub(super) async fn write_payment(connection: &mut AsyncPgConnection, id: PaymentId, at: Timestamp) -> QueryResult<()> {
    diesel::update(payments::table.find(id.as_uuid()))
        .set(payments::paid_at.eq(coalesce(payments::paid_at, at)))
        .execute(connection)
        .changes("payment.pay")
        .await
        .map(|_| ())
}

/// Writes that a payment is cancelled. The gateway is asked to cancel it later.
pub(super) async fn write_cancellation(
    connection: &mut AsyncPgConnection,
    payment: &Payment,
    at: Timestamp,
) -> QueryResult<()> {
    diesel::update(payments::table.find(payment.id.as_uuid()))
        .set((
            payments::status.eq(payment.status.as_str()),
            payments::call_off.eq(payment.method.is_carried_out_by_gateway()),
            payments::updated_at.eq(at),
            payments::version.eq(payments::version + 1),
        ))
        .execute(connection)
        .changes("payment.cancel")
        .await
        .map(|_| ())
}

/// Writes a refund, and what it makes of its payment. The gateway is asked for it later, unless the money was handed
/// over at once.
pub(super) async fn write_refund(
    connection: &mut AsyncPgConnection,
    payment: &Payment,
    refund: &Refund,
) -> Result<(), Unavailable> {
    let at = refund.created_at;
    insert_refund(connection, refund).await.map_err(Unavailable::new)?;
    recount_refunds(connection, payment, at).await?;
    if refund.status == RefundStatus::Succeeded {
        announce(connection, payment, PaymentEvent::Refunded, at).await.map_err(Unavailable::new)?;
    }
    Ok(())
}

/// Writes the refund alone.
pub(super) async fn insert_refund(connection: &mut AsyncPgConnection, refund: &Refund) -> QueryResult<()> {
    let at = refund.created_at;
    let at_if = |status: RefundStatus| (refund.status == status).then_some(at);
    diesel::insert_into(refunds::table)
        .values((
            refunds::id.eq(refund.id.as_uuid()),
            refunds::payment_id.eq(refund.payment_id.as_uuid()),
            refunds::requested_by.eq(refund.requested_by.map(AccountId::as_uuid)),
            refunds::amount.eq(refund.amount.amount()),
            refunds::created_at.eq(at),
            refunds::settled_at.eq(at_if(RefundStatus::Succeeded)),
            refunds::failed_at.eq(at_if(RefundStatus::Failed)),
            refunds::status.eq(refund.status.as_str()),
            refunds::reason.eq(refund.reason.as_str()),
        ))
        .execute(connection)
        .changes("refund.insert")
        .await
        .map(|_| ())
}

/// Writes what all its refunds make of a payment, after one of them has changed.
pub(super) async fn recount_refunds(
    connection: &mut AsyncPgConnection,
    payment: &Payment,
    at: Timestamp,
) -> Result<(), Unavailable> {
    let rows: Vec<RefundRow> = refunds::table
        .filter(refunds::payment_id.eq(payment.id.as_uuid()))
        .select(RefundRow::as_select())
        .load(connection)
        .rows("refund.of_payment")
        .await
        .map_err(Unavailable::new)?;
    let currency = payment.amount.currency();
    let refunds = rows.into_iter().map(|row| row.into_refund(currency)).collect::<Result<Vec<Refund>, _>>()?;
    let order_has_another: bool = diesel::select(diesel::dsl::exists(
        payments::table
            .filter(payments::order_id.eq(payment.order_id.as_uuid()).and(payments::id.ne(payment.id.as_uuid())))
            .filter(payments::status.eq_any(PaymentStatus::ACTIVE.map(PaymentStatus::as_str))),
    ))
    .get_result(connection)
    .one("payment.has_another")
    .await
    .map_err(Unavailable::new)?;
    let payment = payment.after_refunds(&refunds, order_has_another);
    let returned = refunds.iter().filter(|refund| refund.status == RefundStatus::Succeeded);
    let returned = returned.map(|refund| refund.amount.amount()).fold(0, i64::saturating_add);
    follow_mismatch(connection, &payment, returned).await.map_err(Unavailable::new)?;
    diesel::update(payments::table.find(payment.id.as_uuid()))
        .set((
            payments::status.eq(payment.status.as_str()),
            payments::refunded.eq(payment.refunded.amount()),
            payments::updated_at.eq(at),
            payments::version.eq(payments::version + 1),
        ))
        .execute(connection)
        .changes("payment.count_refunds")
        .await
        .map(|_| ())
        .map_err(Unavailable::new)
}
