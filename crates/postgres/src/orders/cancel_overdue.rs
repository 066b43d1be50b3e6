//! Cancelling an order that was not paid in time.

use std::sync::Arc;

use comanda_domain::{
    CancelledBy, Currency, OVERDUE_ORDER_STATUSES, OrderId, OrderScope, OrderStatus, PaymentMethod, PaymentStatus,
    RefundId, RuleReason, Timestamp, is_overdue,
    ports::{Cancellation, MenuObserver, Unavailable},
};
use diesel::{
    OptionalExtension, QueryResult, QueryableByName, sql_query,
    sql_types::{Array, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::cancel::{CancelFailure, write_cancellation};
use crate::{
    Database,
    database::{Named, spawn_transaction},
    order_row::lock_order,
    payments::lock_payments,
};

/// What became of the order that seemed to be overdue.
enum Attempt {
    Cancelled { order_id: OrderId, menu_changed: bool },
    PaidMeanwhile,
    NothingOverdue,
}

/// Cancels one order whose customer began to pay by card and did not finish in time, while the kitchen has not begun.
/// Several servers that call this at once each find another order.
pub(super) async fn cancel_overdue(
    database: &Database,
    now: Timestamp,
    refund_id: RefundId,
    observer: Arc<dyn MenuObserver>,
) -> Result<Option<OrderId>, Unavailable> {
    let own = database.clone();
    spawn_transaction(database, async move {
        let mut connection = own.connection().await?;
        loop {
            match attempt(&mut connection, own.currency(), now, refund_id).await? {
                Attempt::Cancelled { order_id, menu_changed } => {
                    if menu_changed {
                        observer.menu_changed();
                    }
                    return Ok(Some(order_id));
                }
                // The next search finds another order.
                Attempt::PaidMeanwhile => {}
                Attempt::NothingOverdue => return Ok(None),
            }
        }
    })
    .await
}

async fn attempt(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    now: Timestamp,
    refund_id: RefundId,
) -> Result<Attempt, Unavailable> {
    connection
        .transaction::<_, CancelFailure, _>(async |connection| {
            let Some(order_id) = lock_candidate(connection, now).await? else { return Ok(Attempt::NothingOverdue) };
            let Some(order) = lock_order(connection, currency, order_id).await? else {
                return Ok(Attempt::NothingOverdue);
            };
            // The candidate was found before it was locked: it may have been paid in between.
            let payments = lock_payments(connection, currency, order_id).await?;
            if !is_overdue(order.status, &payments, now) {
                return Ok(Attempt::PaidMeanwhile);
            }
            let cancellation = Cancellation {
                actor: None,
                order_id,
                by: CancelledBy::Staff,
                scope: OrderScope::All,
                reason: Some(RuleReason::NotPaidInTime.into()),
                cancelled_at: now,
                refund_id,
                idempotency: None,
            };
            let menu_changed = write_cancellation(connection, &order, &cancellation).await?;
            Ok(Attempt::Cancelled { order_id, menu_changed })
        })
        .await
        .map_err(|failure| Unavailable::new(failure.0))
}

#[derive(QueryableByName)]
struct Candidate {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Finds and locks the order that seems to have been overdue for the longest time. Several servers that search at once
/// find different orders.
async fn lock_candidate(connection: &mut AsyncPgConnection, now: Timestamp) -> QueryResult<Option<OrderId>> {
    let open: Vec<&str> = PaymentStatus::OPEN.iter().map(|status| status.as_str()).collect();
    let cancellable: Vec<&str> = OVERDUE_ORDER_STATUSES.iter().copied().map(OrderStatus::as_str).collect();
    let candidate: Option<Candidate> = sql_query(
        "SELECT o.id FROM payments p JOIN orders o ON o.id = p.order_id \
         WHERE p.status = ANY($1) AND p.method = $2 AND p.expires_at < $3 AND o.status = ANY($4) \
         ORDER BY p.expires_at LIMIT 1 FOR NO KEY UPDATE OF o SKIP LOCKED",
    )
    .bind::<Array<Text>, _>(open)
    .bind::<Text, _>(PaymentMethod::Card.as_str())
    .bind::<Timestamptz, _>(now)
    .bind::<Array<Text>, _>(cancellable)
    .get_result(connection)
    .one("order.find_overdue")
    .await
    .optional()?;
    Ok(candidate.map(|candidate| OrderId::new(candidate.id)))
}
