use comanda_domain::{
    AuditAction, AuditRecord, OrderId, Payment, PaymentId, PaymentIncident, Refund, RefundId, RefundStatus, Timestamp,
    ports::{MadeRefund, Recorded, RefundReport, Unavailable},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{
    incidents::{IncidentRow, lock_incident, write_incident},
    lock::lock_payment,
    row::RefundRow,
    write::{PaymentEvent, announce, recount_refunds},
};
use crate::{
    database::{
        Database, Failure, Named,
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
            let differs = match &report.made {
                // Somebody has copied our id.
                Some(made) if row.intent().is_some_and(|intent| intent != made.intent) => return Ok(Recorded::NotOurs),
                Some(made) => {
                    note_made(connection, report.refund, at).await?;
                    made.amount != refund.amount && note_amount(connection, &payment, &refund, made, at).await?
                }
                None => false,
            };
            let status = refund.status.on_report(report.status);
            if let Some(status) = status {
                write_outcome(connection, report.refund, status, at).await?;
            } else if !differs {
                return Ok(Recorded::Known);
            }
            recount_refunds(connection, &payment, at).await?;
            if let Some(status) = status {
                follow(connection, &payment, report.refund, status, at).await?;
            }
            Ok(Recorded::Changed)
        })
        .await
}

/// The gateway knows the refund, and counts it in its totals.
pub(super) async fn note_made(connection: &mut AsyncPgConnection, id: RefundId, at: Timestamp) -> QueryResult<()> {
    diesel::update(refunds::table.find(id.as_uuid()).filter(refunds::made_at.is_null()))
        .set(refunds::made_at.eq(at))
        .execute(connection)
        .changes("refund.note_made")
        .await
        .map(|_| ())
}

/// Another amount went back than was decided: that counts, and somebody has to look into it. Returns whether it was not
/// known.
async fn note_amount(
    connection: &mut AsyncPgConnection,
    payment: &Payment,
    refund: &Refund,
    made: &MadeRefund,
    at: Timestamp,
) -> Result<bool, Failure<Unavailable>> {
    let incident = PaymentIncident::refund_mismatch(payment, &made.id, made.amount, at);
    let before = lock_incident(connection, &incident.id).await?.map(IncidentRow::into_incident).transpose()?;
    if before.is_some_and(|before| before.amount == incident.amount) {
        return Ok(false);
    }
    tracing::error!(
        refund = %refund.id,
        payment = %payment.id,
        asked = %format_args!("{} {}", refund.amount, refund.amount.currency()),
        refunded = %format_args!("{} {}", made.amount, made.amount.currency()),
        "the gateway refunded another amount than it was asked to"
    );
    write_incident(connection, &incident, AuditAction::PaymentMismatched, at).await?;
    // What cannot be counted here is for staff alone.
    if made.amount.currency() == refund.amount.currency() && made.amount.amount() > 0 {
        diesel::update(refunds::table.find(refund.id.as_uuid()))
            .set(refunds::amount.eq(made.amount.amount()))
            .execute(connection)
            .changes("refund.correct")
            .await?;
    }
    Ok(true)
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
    let at_if = |outcome: RefundStatus| (status == outcome).then_some(at);
    diesel::update(refunds::table.find(id.as_uuid()))
        .set((
            refunds::status.eq(status.as_str()),
            // What is `None` stays as it is: the day on which the money went back may be closed.
            at_if(RefundStatus::Succeeded).map(|at| refunds::settled_at.eq(at)),
            at_if(RefundStatus::Failed).map(|at| refunds::failed_at.eq(at)),
        ))
        .execute(connection)
        .changes("refund.settle")
        .await
        .map(|_| ())
}
