use comanda_domain::{
    ids::{OrderId, PaymentId, RefundId},
    payment::{Consequence, Payment, PaymentStatus},
    ports::{IntentReport, Recorded, Unavailable},
};
use diesel::{
    OptionalExtension, QueryResult, sql_query,
    sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use super::{
    PostgresPayments,
    lock::lock_payment,
    row::PaymentKey,
    write::{PaymentEvent, announce, write_refund, write_status},
};
use crate::database::{Failure, Named};

pub(super) async fn record_intent(
    payments: PostgresPayments,
    report: IntentReport,
    late_refund: RefundId,
) -> Result<Recorded, Unavailable> {
    let mut connection = payments.database.connection().await?;
    let found: Option<PaymentKey> =
        sql_query("SELECT order_id, id FROM payments WHERE intent = $1 OR (id = $2 AND intent IS NULL)")
            .bind::<Text, _>(&report.intent.0)
            .bind::<Nullable<SqlUuid>, _>(report.payment_id.map(PaymentId::as_uuid))
            .get_result(&mut *connection)
            .one("payment.find")
            .await
            .optional()
            .map_err(Unavailable::new)?;
    let Some(PaymentKey { order_id, id }) = found else { return Ok(Recorded::NotOurs) };
    let (order_id, id) = (OrderId::new(order_id), PaymentId::new(id));
    connection
        .transaction::<_, Failure<Unavailable>, _>(async |connection| {
            let Some(row) = lock_payment(connection, payments.currency, order_id, id).await? else {
                return Ok(Recorded::NotOurs);
            };
            let payment = row.payment(payments.currency)?;
            match payment.on_report(report.state, report.at, row.reported_at) {
                Consequence::Nothing => return Ok(Recorded::Known),
                Consequence::Moves(status) => {
                    move_to(connection, &Payment { status, ..payment }, &report).await?;
                }
                Consequence::RefundsLatePayment => {
                    note_late_payment(connection, id, &report).await?;
                    write_refund(connection, &payment, &payment.refund_late(late_refund, report.at)).await?;
                }
            }
            Ok(Recorded::Changed)
        })
        .await
        .map_err(|failure| failure.0)
}

async fn move_to(connection: &mut AsyncPgConnection, payment: &Payment, report: &IntentReport) -> QueryResult<()> {
    write_status(connection, payment, report.at, Some(report.at)).await?;
    match payment.status {
        PaymentStatus::Succeeded => announce(connection, payment, PaymentEvent::Succeeded, report.at).await,
        PaymentStatus::Failed => announce(connection, payment, PaymentEvent::Failed, report.at).await,
        _ => Ok(()),
    }
}

/// The report may be the first that is heard of the intent, and the gateway has nothing to cancel any more.
async fn note_late_payment(
    connection: &mut AsyncPgConnection,
    id: PaymentId,
    report: &IntentReport,
) -> QueryResult<()> {
    sql_query("UPDATE payments SET intent = $2, call_off = false, paid_at = $3 WHERE id = $1")
        .bind::<SqlUuid, _>(id.as_uuid())
        .bind::<Text, _>(&report.intent.0)
        .bind::<Timestamptz, _>(report.at)
        .execute(connection)
        .changes("payment.attach")
        .await
        .map(|_| ())
}
