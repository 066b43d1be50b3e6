use comanda_domain::{
    AuditAction, AuditRecord, OrderId, Payment, PaymentId, RefundId, RefundStatus, Timestamp,
    ports::{Recorded, RefundReport, Unavailable},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{
    lock::lock_payment,
    row::RefundRow,
    write::{PaymentEvent, announce, recount_refunds},
};
use crate::{
    database::{
        Database, Named,
        schema::{payments, refunds},
    },
    operations::write_record,
};

pub(super) async fn record_refund(
    database: &Database,
    report: RefundReport,
    at: Timestamp,
) -> Result<Recorded, Unavailable> {
    let currency = database.currency();
    database
        .transaction(async move |connection| {
            let Some((order_id, id)) = find(connection, report.refund).await? else { return Ok(Recorded::NotOurs) };
            let Some(row) = lock_payment(connection, currency, order_id, id).await? else {
                return Ok(Recorded::NotOurs);
            };
            let payment = row.payment(currency)?;
            let refund = lock_refund(connection, report.refund).await?.into_refund(currency)?;
            let Some(status) = refund.status.on_report(report.status) else { return Ok(Recorded::Known) };
            write_outcome(connection, report.refund, status, at).await?;
            recount_refunds(connection, &payment, at).await?;
            follow(connection, &payment, report.refund, status, at).await?;
            Ok(Recorded::Changed)
        })
        .await
}

/// What follows from the outcome of a refund.
pub(super) async fn follow(
    connection: &mut AsyncPgConnection,
    payment: &Payment,
    refund: RefundId,
    status: RefundStatus,
    at: Timestamp,
) -> QueryResult<()> {
    match status {
        RefundStatus::Pending => Ok(()),
        RefundStatus::Succeeded => announce(connection, payment, PaymentEvent::Refunded, at).await,
        RefundStatus::Failed => {
            tracing::error!(%refund, payment = %payment.id, "a refund has failed; somebody has to look into it");
            let record = AuditRecord {
                actor: None,
                action: AuditAction::RefundFailed,
                target: payment.id.to_string(),
                reason: None,
                at,
            };
            write_record(connection, &record).await
        }
    }
}

async fn find(connection: &mut AsyncPgConnection, id: RefundId) -> QueryResult<Option<(OrderId, PaymentId)>> {
    let found: Option<(Uuid, Uuid)> = refunds::table
        .inner_join(payments::table)
        .filter(refunds::id.eq(id.as_uuid()))
        .select((payments::order_id, payments::id))
        .first(connection)
        .one("refund.find")
        .await
        .optional()?;
    Ok(found.map(|(order_id, id)| (OrderId::new(order_id), PaymentId::new(id))))
}

async fn lock_refund(connection: &mut AsyncPgConnection, id: RefundId) -> QueryResult<RefundRow> {
    refunds::table
        .find(id.as_uuid())
        .select(RefundRow::as_select())
        .for_update()
        .first(connection)
        .one("refund.lock")
        .await
}

pub(super) async fn write_outcome(
    connection: &mut AsyncPgConnection,
    id: RefundId,
    status: RefundStatus,
    at: Timestamp,
) -> QueryResult<()> {
    diesel::update(refunds::table.find(id.as_uuid()))
        .set((refunds::status.eq(status.as_str()), refunds::settled_at.eq(at)))
        .execute(connection)
        .changes("refund.settle")
        .await
        .map(|_| ())
}
