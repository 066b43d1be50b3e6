//! What happens to a payment once it has begun.

use comanda_domain::{
    Timestamp,
    account::StaffMember,
    audit::{AuditAction, AuditRecord},
    ids::{OrderId, PaymentId, RefundId},
    payment::{Consequence, Payment, PaymentMethod, PaymentStatus, RefundStatus},
    ports::{IntentReport, Recorded, RefundReport, SettlePaymentError, Unavailable},
    text::Reason,
};
use diesel::{
    OptionalExtension, QueryableByName, sql_query,
    sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{
    PostgresPayments,
    refund::insert_refund,
    row::{COLUMNS, PaymentRow},
    write::{PaymentEvent, announce, move_to, settle_status},
};
use crate::{
    audit_log,
    database::{Failure, Named},
    order_row::lock_order,
};

#[derive(QueryableByName)]
struct OrderOf {
    #[diesel(sql_type = SqlUuid)]
    order_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

impl PostgresPayments {
    /// The order first, then the payment.
    pub(super) async fn lock(
        &self,
        connection: &mut AsyncPgConnection,
        order_id: OrderId,
        id: PaymentId,
    ) -> Result<Option<PaymentRow>, Unavailable> {
        if lock_order(connection, self.currency, order_id).await?.is_none() {
            return Ok(None);
        }
        sql_query(format!("SELECT {COLUMNS} FROM payments WHERE id = $1 AND order_id = $2 FOR UPDATE"))
            .bind::<SqlUuid, _>(id.as_uuid())
            .bind::<SqlUuid, _>(order_id.as_uuid())
            .get_result(connection)
            .one("payment.lock")
            .await
            .optional()
            .map_err(Unavailable::new)
    }

    pub(super) async fn settle_payment(
        &self,
        order_id: OrderId,
        id: PaymentId,
        by: StaffMember,
        at: Timestamp,
    ) -> Result<Payment, SettlePaymentError> {
        let mut connection = self.database.connection().await?;
        connection
            .transaction::<_, Failure<SettlePaymentError>, _>(async |connection| {
                let row = self.lock(connection, order_id, id).await?.ok_or(Failure(SettlePaymentError::NotFound))?;
                let mut payment = row.payment(self.currency)?;
                let (method, status) = (payment.method, payment.status);
                if method == PaymentMethod::Counter && status == PaymentStatus::Succeeded {
                    return Ok(payment);
                }
                if method != PaymentMethod::Counter || !status.is_open() {
                    return Err(Failure(SettlePaymentError::NotSettleable { method, status }));
                }
                payment.status = PaymentStatus::Succeeded;
                move_to(connection, id, payment.status, at, None).await?;
                announce(connection, &payment, PaymentEvent::Succeeded, at).await?;
                let record = AuditRecord {
                    actor: Some(by.account_id()),
                    action: AuditAction::PaymentSettled,
                    target: id.to_string(),
                    reason: None,
                    at,
                };
                audit_log::write_record(connection, &record).await?;
                Ok(payment)
            })
            .await
            .map_err(|failure| failure.0)
    }

    pub(super) async fn record_report(
        &self,
        report: IntentReport,
        late_refund: RefundId,
    ) -> Result<Recorded, Unavailable> {
        let mut connection = self.database.connection().await?;
        let found: Option<OrderOf> =
            sql_query("SELECT order_id, id FROM payments WHERE intent = $1 OR (id = $2 AND intent IS NULL)")
                .bind::<Text, _>(&report.intent.0)
                .bind::<Nullable<SqlUuid>, _>(report.payment_id.map(PaymentId::as_uuid))
                .get_result(&mut *connection)
                .one("payment.find")
                .await
                .optional()
                .map_err(Unavailable::new)?;
        let Some(OrderOf { order_id, id }) = found else { return Ok(Recorded::NotOurs) };
        let (order_id, id) = (OrderId::new(order_id), PaymentId::new(id));
        connection
            .transaction::<_, Failure<Unavailable>, _>(async |connection| {
                let Some(row) = self.lock(connection, order_id, id).await? else { return Ok(Recorded::NotOurs) };
                let mut payment = row.payment(self.currency)?;
                let newer = row.reported_at.is_none_or(|before| report.at >= before);
                match payment.status.on_report(report.state, newer) {
                    Consequence::Nothing => Ok(Recorded::Known),
                    Consequence::Moves(to) => {
                        payment.status = to;
                        move_to(connection, id, to, report.at, Some(report.at)).await?;
                        match to {
                            PaymentStatus::Succeeded => {
                                announce(connection, &payment, PaymentEvent::Succeeded, report.at).await?;
                            }
                            PaymentStatus::Failed => {
                                announce(connection, &payment, PaymentEvent::Failed, report.at).await?;
                            }
                            _ => {}
                        }
                        Ok(Recorded::Changed)
                    }
                    Consequence::RefundsLatePayment if payment.refunded == payment.amount => Ok(Recorded::Known),
                    Consequence::RefundsLatePayment => {
                        // The report may be the first that is heard of the intent.
                        sql_query("UPDATE payments SET intent = $2, call_off = false, paid_at = $3 WHERE id = $1")
                            .bind::<SqlUuid, _>(id.as_uuid())
                            .bind::<Text, _>(&report.intent.0)
                            .bind::<Timestamptz, _>(report.at)
                            .execute(connection)
                            .changes("payment.attach")
                            .await?;
                        let reason = Reason::new("paid after it was cancelled").map_err(Unavailable::new)?;
                        insert_refund(connection, &payment, late_refund, payment.amount, &reason, None, report.at)
                            .await?;
                        Ok(Recorded::Changed)
                    }
                }
            })
            .await
            .map_err(|failure| failure.0)
    }

    pub(super) async fn record_refund_report(
        &self,
        report: RefundReport,
        at: Timestamp,
    ) -> Result<Recorded, Unavailable> {
        let mut connection = self.database.connection().await?;
        let found: Option<OrderOf> =
            sql_query("SELECT p.order_id, p.id FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE r.id = $1")
                .bind::<SqlUuid, _>(report.refund.as_uuid())
                .get_result(&mut *connection)
                .one("refund.find")
                .await
                .optional()
                .map_err(Unavailable::new)?;
        let Some(OrderOf { order_id, id }) = found else { return Ok(Recorded::NotOurs) };
        let (order_id, id) = (OrderId::new(order_id), PaymentId::new(id));
        connection
            .transaction::<_, Failure<Unavailable>, _>(async |connection| {
                let Some(row) = self.lock(connection, order_id, id).await? else { return Ok(Recorded::NotOurs) };
                if report.status == RefundStatus::Pending {
                    return Ok(Recorded::Known);
                }
                let settled: Option<Amount> = sql_query(
                    "UPDATE refunds SET status = $2, settled_at = $3 WHERE id = $1 AND status = 'pending' RETURNING amount",
                )
                .bind::<SqlUuid, _>(report.refund.as_uuid())
                .bind::<Text, _>(report.status.as_str())
                .bind::<Timestamptz, _>(at)
                .get_result(connection)
                .one("refund.settle")
                .await
                .optional()?;
                let Some(Amount { amount }) = settled else { return Ok(Recorded::Known) };
                let payment = row.payment(self.currency)?;
                if report.status == RefundStatus::Failed {
                    tracing::error!(refund = %report.refund, payment = %id, "the bank does not take a refund back; somebody has to look");
                    sql_query("UPDATE payments SET refunded = refunded - $2, updated_at = $3, version = version + 1 WHERE id = $1")
                        .bind::<SqlUuid, _>(id.as_uuid())
                        .bind::<BigInt, _>(amount)
                        .bind::<Timestamptz, _>(at)
                        .execute(connection)
                        .changes("payment.move")
                        .await?;
                    return Ok(Recorded::Changed);
                }
                settle_status(connection, id, at).await?;
                announce(connection, &payment, PaymentEvent::Refunded, at).await?;
                Ok(Recorded::Changed)
            })
            .await
            .map_err(|failure| failure.0)
    }
}

#[derive(QueryableByName)]
struct Amount {
    #[diesel(sql_type = BigInt)]
    amount: i64,
}
