use comanda_domain::{
    Consequence, IntentState, OrderId, Payment, PaymentId, PaymentStatus, RefundId,
    ports::{IntentReport, Recorded, Unavailable},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{
    lock::lock_payment,
    write::{PaymentEvent, announce, write_refund, write_status},
};
use crate::database::{Database, Named, schema::payments};

pub(super) async fn record_intent(
    database: &Database,
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
            match payment.on_report(report.state, report.at, row.reported_at) {
                Consequence::Nothing => return Ok(Recorded::Known),
                Consequence::Moves(status) => move_to(connection, &Payment { status, ..payment }, &report).await?,
                Consequence::RefundsLatePayment => {
                    note_late_payment(connection, id, &report).await?;
                    write_refund(connection, &payment, &payment.refund_late(late_refund, report.at)).await?;
                }
            }
            Ok(Recorded::Changed)
        })
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

async fn move_to(connection: &mut AsyncPgConnection, payment: &Payment, report: &IntentReport) -> QueryResult<()> {
    write_status(connection, payment, report.at, Some(report.at)).await?;
    match payment.status {
        PaymentStatus::Succeeded => announce(connection, payment, PaymentEvent::Succeeded, report.at).await,
        PaymentStatus::Failed => announce(connection, payment, PaymentEvent::Failed, report.at).await,
        _ => Ok(()),
    }
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
    id: PaymentId,
    report: &IntentReport,
) -> QueryResult<()> {
    diesel::update(payments::table.find(id.as_uuid()))
        .set((payments::call_off.eq(false), payments::paid_at.eq(report.at)))
        .execute(connection)
        .changes("payment.pay_late")
        .await
        .map(|_| ())
}
