use comanda_domain::{
    Timestamp,
    ids::{OrderId, PaymentId},
    payment::{Refund, RefundStatus},
    ports::{Recorded, RefundReport, Unavailable},
};
use diesel::{
    OptionalExtension, QueryResult, sql_query,
    sql_types::{Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use super::{
    PostgresPayments,
    lock::lock_payment,
    row::{PaymentKey, REFUND_COLUMNS, RefundRow},
    write::{PaymentEvent, announce, recount_refunds},
};
use crate::database::{Failure, Named};

pub(super) async fn record_refund(
    payments: PostgresPayments,
    report: RefundReport,
    at: Timestamp,
) -> Result<Recorded, Unavailable> {
    let mut connection = payments.database.connection().await?;
    let found: Option<PaymentKey> =
        sql_query("SELECT p.order_id, p.id FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE r.id = $1")
            .bind::<SqlUuid, _>(report.refund.as_uuid())
            .get_result(&mut *connection)
            .one("refund.find")
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
            let refund: Refund = lock_refund(connection, &report).await?.into_refund(payments.currency)?;
            let Some(status) = refund.status.on_report(report.status) else { return Ok(Recorded::Known) };
            write_outcome(connection, &report, status, at).await?;
            recount_refunds(connection, &payment, at).await?;
            match status {
                RefundStatus::Succeeded => announce(connection, &payment, PaymentEvent::Refunded, at).await?,
                RefundStatus::Failed => tracing::error!(
                    refund = %report.refund,
                    payment = %id,
                    "the bank did not accept a refund; somebody has to look into it"
                ),
                RefundStatus::Pending => {}
            }
            Ok(Recorded::Changed)
        })
        .await
        .map_err(|failure| failure.0)
}

async fn lock_refund(connection: &mut AsyncPgConnection, report: &RefundReport) -> QueryResult<RefundRow> {
    sql_query(format!("SELECT {REFUND_COLUMNS} FROM refunds WHERE id = $1 FOR UPDATE"))
        .bind::<SqlUuid, _>(report.refund.as_uuid())
        .get_result(connection)
        .one("refund.lock")
        .await
}

async fn write_outcome(
    connection: &mut AsyncPgConnection,
    report: &RefundReport,
    status: RefundStatus,
    at: Timestamp,
) -> QueryResult<()> {
    sql_query("UPDATE refunds SET status = $2, settled_at = $3 WHERE id = $1")
        .bind::<SqlUuid, _>(report.refund.as_uuid())
        .bind::<Text, _>(status.as_str())
        .bind::<Timestamptz, _>(at)
        .execute(connection)
        .changes("refund.settle")
        .await
        .map(|_| ())
}
