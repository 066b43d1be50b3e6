//! Refunds that somebody made at the gateway itself. It reports each of them by its own id, and, in another event, how
//! much of a payment was refunded all in all; either may come first, or alone. What only the total tells is one refund
//! without an id, from which the refunds that are named later are taken.

use comanda_domain::{
    Currency, IntentId, IntentRefund, Money, Payment, PaymentId, Reason, Refund, RefundId, RefundStatus, RuleReason,
    Timestamp,
    ports::{Recorded, RefundedTotal, Unavailable, UnreadableRecord},
};
use diesel::{dsl::sql, prelude::*};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{
    lock::{find_by_intent, lock_payment},
    record_refund::{follow, write_outcome},
    row::RefundRow,
    write::{insert_refund, recount_refunds, write_refund},
};
use crate::{
    database::{Database, Failure, Named, NamedRows, schema::refunds},
    operations::write_record,
};

pub(super) async fn record_gateway_refund(
    database: &Database,
    intent: IntentId,
    reported: IntentRefund,
    id: RefundId,
    at: Timestamp,
) -> Result<Recorded, Unavailable> {
    let currency = database.currency();
    database
        .transaction(async move |connection| {
            let Some(payment) = lock(connection, currency, &intent, reported.amount).await? else {
                return Ok(Recorded::NotOurs);
            };
            if let Some(known) = lock_by_gateway_id(connection, currency, &reported.id).await? {
                let Some(status) = known.status.on_report(reported.status) else { return Ok(Recorded::Known) };
                write_outcome(connection, known.id, status, at).await?;
                recount_refunds(connection, &payment, at).await?;
                follow(connection, &payment, known.id, status, at).await?;
                return Ok(Recorded::Changed);
            }
            let unnamed = lock_unnamed(connection, currency, payment.id).await?;
            let decided = payment.refund_at_gateway(id, reported.amount, reported.status, at);
            let Some((unnamed, settled_at)) = unnamed else {
                write_refund(connection, &payment, &decided.refund).await?;
                name(connection, id, &reported.id, at).await?;
                match reported.status {
                    RefundStatus::Failed => follow(connection, &payment, id, RefundStatus::Failed, at).await?,
                    _ => write_record(connection, &decided.audit).await?,
                }
                return Ok(Recorded::Changed);
            };
            // It was counted and told to the customer when its total was reported.
            let named = match unnamed.amount.amount() > reported.amount.amount() {
                true => {
                    set_amount(connection, unnamed.id, unnamed.amount.amount() - reported.amount.amount()).await?;
                    let named = Refund { status: RefundStatus::Succeeded, ..decided.refund };
                    insert_refund(connection, &named).await?;
                    keep_settled_at(connection, id, settled_at).await?;
                    id
                }
                false => {
                    set_amount(connection, unnamed.id, reported.amount.amount()).await?;
                    unnamed.id
                }
            };
            name(connection, named, &reported.id, at).await?;
            if reported.status == RefundStatus::Failed {
                write_outcome(connection, named, RefundStatus::Failed, at).await?;
            }
            recount_refunds(connection, &payment, at).await?;
            if reported.status == RefundStatus::Failed {
                follow(connection, &payment, named, RefundStatus::Failed, at).await?;
            }
            Ok(Recorded::Changed)
        })
        .await
}

pub(super) async fn record_refunded_total(
    database: &Database,
    report: RefundedTotal,
    id: RefundId,
    at: Timestamp,
) -> Result<Recorded, Unavailable> {
    let currency = database.currency();
    database
        .transaction(async move |connection| {
            let Some(payment) = lock(connection, currency, &report.intent, report.total).await? else {
                return Ok(Recorded::NotOurs);
            };
            let Some(known) = known_total(connection, currency, payment.id).await? else {
                return Ok(Recorded::Known);
            };
            let more = report.total.amount() - known;
            if more <= 0 {
                return Ok(Recorded::Known);
            }
            match lock_unnamed(connection, currency, payment.id).await? {
                Some((unnamed, _)) => {
                    set_amount(connection, unnamed.id, unnamed.amount.amount() + more).await?;
                    recount_refunds(connection, &payment, at).await?;
                    follow(connection, &payment, unnamed.id, RefundStatus::Succeeded, at).await?;
                }
                None => {
                    let more = Money::new(more, currency);
                    let decided = payment.refund_at_gateway(id, more, RefundStatus::Succeeded, at);
                    write_refund(connection, &payment, &decided.refund).await?;
                    write_record(connection, &decided.audit).await?;
                }
            }
            Ok(Recorded::Changed)
        })
        .await
}

/// Locks the payment of an intent. `None`: it is not ours, or nothing was refunded that could be counted here.
async fn lock(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    intent: &IntentId,
    refunded: Money,
) -> Result<Option<Payment>, Unavailable> {
    let found = find_by_intent(connection, intent).await.map_err(Unavailable::new)?;
    let Some((order_id, id)) = found else { return Ok(None) };
    if refunded.currency() != currency || refunded.amount() <= 0 {
        tracing::error!(intent = intent.0, %refunded, "a refund at the gateway is of another currency, or of nothing");
        return Ok(None);
    }
    let row = lock_payment(connection, currency, order_id, id).await?;
    Ok(row.map(|row| row.payment(currency)).transpose()?)
}

async fn lock_by_gateway_id(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    gateway_id: &str,
) -> Result<Option<Refund>, Failure<Unavailable>> {
    let row = refunds::table
        .filter(refunds::gateway_id.eq(gateway_id))
        .select(RefundRow::as_select())
        .for_update()
        .first(connection)
        .one("refund.lock")
        .await
        .optional()?;
    Ok(row.map(|row: RefundRow| row.into_refund(currency)).transpose()?)
}

/// The refund that only a total has told of, and when it counted.
async fn lock_unnamed(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    payment: PaymentId,
) -> Result<Option<(Refund, Option<Timestamp>)>, Failure<Unavailable>> {
    let reason = Reason::from(RuleReason::RefundedAtGateway);
    let row = refunds::table
        .filter(refunds::payment_id.eq(payment.as_uuid()))
        .filter(refunds::gateway_id.is_null().and(refunds::requested_by.is_null()))
        .filter(refunds::reason.eq(reason.as_str()))
        .select((RefundRow::as_select(), refunds::settled_at))
        .for_update()
        .first::<(RefundRow, Option<Timestamp>)>(connection)
        .one("refund.lock")
        .await
        .optional()?;
    Ok(row.map(|(row, settled_at)| Ok::<_, UnreadableRecord>((row.into_refund(currency)?, settled_at))).transpose()?)
}

/// The sum of the refunds that are in the gateway's totals, or were: one that the gateway had made before it failed is
/// in a total that is older than its failure, and would come back to life if that were taken for another refund.
/// `None`: one has failed of which nobody knows whether the gateway had made it, as servers of the release before did
/// not keep that. Then a total decides nothing: reconciliation lists the refunds one by one.
async fn known_total(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    payment: PaymentId,
) -> Result<Option<i64>, Failure<Unavailable>> {
    let rows: Vec<(RefundRow, Option<Timestamp>)> = refunds::table
        .filter(refunds::payment_id.eq(payment.as_uuid()))
        .select((RefundRow::as_select(), refunds::made_at))
        .load(connection)
        .rows("refund.of_payment")
        .await?;
    let mut total = 0_i64;
    for (row, made_at) in rows {
        let refund = row.into_refund(currency)?;
        if refund.status == RefundStatus::Failed && made_at.is_none() {
            return Ok(None);
        }
        total = total.saturating_add(refund.amount.amount());
    }
    Ok(Some(total))
}

async fn set_amount(connection: &mut AsyncPgConnection, id: RefundId, amount: i64) -> QueryResult<()> {
    diesel::update(refunds::table.find(id.as_uuid()))
        .set(refunds::amount.eq(amount))
        .execute(connection)
        .changes("refund.divide")
        .await
        .map(|_| ())
}

/// A part of a refund counted when the whole did.
async fn keep_settled_at(
    connection: &mut AsyncPgConnection,
    id: RefundId,
    settled_at: Option<Timestamp>,
) -> QueryResult<()> {
    diesel::update(refunds::table.find(id.as_uuid()))
        .set(refunds::settled_at.eq(settled_at))
        .execute(connection)
        .changes("refund.divide")
        .await
        .map(|_| ())
}

/// Servers of the previous release do not know `gateway_id`: a refund that is taken for ever is not made again by them.
async fn name(connection: &mut AsyncPgConnection, id: RefundId, gateway_id: &str, at: Timestamp) -> QueryResult<()> {
    diesel::update(refunds::table.find(id.as_uuid()))
        .set((refunds::gateway_id.eq(gateway_id), refunds::made_at.eq(at), refunds::taken_until.eq(sql("'infinity'"))))
        .execute(connection)
        .changes("refund.name")
        .await
        .map(|_| ())
}
