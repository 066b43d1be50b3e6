use comanda_domain::{
    AcceptOrders, AuditAction, Consequence, IntentState, Money, OrderId, Payment, PaymentId, PaymentIncident,
    PaymentStatus, Reason, RefundId, RefundStatus, RuleReason, Timestamp,
    ports::{IntentReport, Recorded, Unavailable},
};
use diesel::{dsl::sql, prelude::*, sql_types::Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{
    incidents::{IncidentRow, lock_incident, write_incident},
    lock::lock_payment,
    write::{PaymentEvent, announce, recount_refunds, write_payment, write_refund, write_status},
};
use crate::{
    database::{
        Database, Failure, Named,
        schema::{payments, refunds},
    },
    orders::accept_when_paid,
};

pub(super) async fn record_intent(
    database: &Database,
    accept: AcceptOrders,
    report: IntentReport,
    late_refund: RefundId,
) -> Result<Recorded, Unavailable> {
    let currency = database.currency();
    database
        .transaction(async move |connection| {
            let Some((order_id, id)) = find(connection, &report).await? else { return Ok(Recorded::NotOurs) };
            let Some(row) = lock_payment(connection, currency, order_id, id).await? else {
                return Ok(Recorded::NotOurs);
            };
            let payment = row.payment(currency)?;
            if report.state == IntentState::Succeeded && row.intent().is_none() {
                // A server died before it recorded the intent. Without it, the gateway could never be asked for a
                // refund.
                note_intent(connection, id, &report).await?;
            }
            let late = payment.status == PaymentStatus::Cancelled && has_late_refund(connection, id).await?;
            let received = report.received.unwrap_or(payment.amount);
            match payment.on_report(report.state, report.received, late, report.at, row.reported_at) {
                Consequence::Nothing => Ok(Recorded::Known),
                Consequence::Moves(status) => {
                    if status == PaymentStatus::Succeeded {
                        write_payment(connection, id, report.at).await?;
                    }
                    let payment = Payment { status, ..payment };
                    move_to(connection, &payment, &report).await?;
                    // The kitchen gets the order now, however long ago the gateway says that it was paid.
                    let now = current_time(connection).await?;
                    accept_when_paid(connection, accept, &payment, now).await?;
                    Ok(Recorded::Changed)
                }
                Consequence::Mismatches(received) => {
                    let recorded = note_mismatch(connection, &payment, &report, received).await?;
                    if received.currency() == currency {
                        write_payment(connection, id, report.at).await?;
                    }
                    // All that came may have gone back before.
                    if recorded == Recorded::Mismatched && payment.refunded.amount() > 0 {
                        recount_refunds(connection, &Payment { received, ..payment }, report.at).await?;
                    }
                    Ok(recorded)
                }
                Consequence::RefundsLatePayment(due) => {
                    let recorded = note_late_payment(connection, &payment, &report, received).await?;
                    let payment = Payment { received, ..payment };
                    write_refund(connection, &payment, &payment.refund_late(late_refund, due, report.at)).await?;
                    Ok(recorded)
                }
                Consequence::CountsLatePayment => {
                    let recorded = note_late_payment(connection, &payment, &report, received).await?;
                    recount_refunds(connection, &Payment { received, ..payment }, report.at).await?;
                    Ok(recorded)
                }
            }
        })
        .await
}

/// Another amount came than was asked for. Staff have to look into it.
async fn note_mismatch(
    connection: &mut AsyncPgConnection,
    payment: &Payment,
    report: &IntentReport,
    received: Money,
) -> Result<Recorded, Failure<Unavailable>> {
    let before = lock_incident(connection, &report.intent.0).await?.map(IncidentRow::into_incident).transpose()?;
    if before.as_ref().is_some_and(|before| before.amount == received) {
        return Ok(Recorded::Known);
    }
    let opened_at = match before {
        Some(before) => before.opened_at,
        // A server that did not look at how much came has counted it as what was asked for, on a day that may be
        // closed: the books make up for it now.
        None if payment.received.amount() > 0 => current_time(connection).await?,
        None => report.at,
    };
    let mismatch = PaymentIncident::mismatch(payment, &report.intent, received, report.at);
    let incident = PaymentIncident { opened_at, ..mismatch };
    write_incident(connection, &incident, AuditAction::PaymentMismatched, report.at).await?;
    tracing::error!(
        payment = %payment.id,
        asked = %format_args!("{} {}", payment.amount, payment.amount.currency()),
        received = %format_args!("{received} {}", received.currency()),
        "the gateway received another amount than was asked for"
    );
    Ok(Recorded::Mismatched)
}

async fn current_time(connection: &mut AsyncPgConnection) -> QueryResult<Timestamp> {
    diesel::select(sql::<Timestamptz>("date_trunc('milliseconds', now())"))
        .get_result(connection)
        .one("payment.current_time")
        .await
}

/// The payment by the gateway's id, or by ours if the gateway's has not been recorded yet.
async fn find(connection: &mut AsyncPgConnection, report: &IntentReport) -> QueryResult<Option<(OrderId, PaymentId)>> {
    let ours = report.payment_id.map(PaymentId::as_uuid);
    let found: Option<(Uuid, Uuid)> = payments::table
        .filter(
            payments::intent.eq(&report.intent.0).or(payments::id.nullable().eq(ours).and(payments::intent.is_null())),
        )
        .select((payments::order_id, payments::id))
        .first(connection)
        .one("payment.find")
        .await
        .optional()?;
    Ok(found.map(|(order_id, id)| (OrderId::new(order_id), PaymentId::new(id))))
}

async fn move_to(
    connection: &mut AsyncPgConnection,
    payment: &Payment,
    report: &IntentReport,
) -> Result<(), Unavailable> {
    write_status(connection, payment, report.at, Some(report.at)).await.map_err(Unavailable::new)?;
    let event = match payment.status {
        PaymentStatus::Succeeded => PaymentEvent::Succeeded,
        PaymentStatus::Failed => PaymentEvent::Failed,
        _ => return Ok(()),
    };
    announce(connection, payment, event, report.at).await.map_err(Unavailable::new)?;
    // A refund at the gateway may have been reported before the payment was.
    if payment.status == PaymentStatus::Succeeded && payment.refunded.amount() > 0 {
        recount_refunds(connection, payment, report.at).await?;
    }
    Ok(())
}

async fn note_intent(connection: &mut AsyncPgConnection, id: PaymentId, report: &IntentReport) -> QueryResult<()> {
    diesel::update(payments::table.find(id.as_uuid()))
        .set(payments::intent.eq(&report.intent.0))
        .execute(connection)
        .changes("payment.attach")
        .await
        .map(|_| ())
}

/// The gateway has nothing to cancel any more.
async fn note_late_payment(
    connection: &mut AsyncPgConnection,
    payment: &Payment,
    report: &IntentReport,
    received: Money,
) -> Result<Recorded, Failure<Unavailable>> {
    write_payment(connection, payment.id, report.at).await?;
    diesel::update(payments::table.find(payment.id.as_uuid()))
        .set(payments::call_off.eq(false))
        .execute(connection)
        .changes("payment.pay_late")
        .await?;
    if received == payment.amount {
        return Ok(Recorded::Changed);
    }
    match note_mismatch(connection, payment, report, received).await? {
        // It was noted while the payment was open.
        Recorded::Known => Ok(Recorded::Changed),
        recorded => Ok(recorded),
    }
}

/// Whether a refund was decided because the money came too late, whatever became of it, or any other has failed: staff
/// may have paid the customer in another way since.
async fn has_late_refund(connection: &mut AsyncPgConnection, id: PaymentId) -> QueryResult<bool> {
    let reason = Reason::from(RuleReason::PaidAfterCancellation);
    diesel::select(diesel::dsl::exists(
        refunds::table.filter(refunds::payment_id.eq(id.as_uuid())).filter(
            refunds::status
                .eq(RefundStatus::Failed.as_str())
                .or(refunds::requested_by.is_null().and(refunds::reason.eq(reason.as_str()))),
        ),
    ))
    .get_result(connection)
    .one("payment.has_late_refund")
    .await
}
