//! Cancelling an order that was not paid in time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use comanda_domain::{
    CancelledBy, Currency, OVERDUE_ORDER_STATUSES, OrderId, OrderScope, OrderStatus, PaymentMethod, PaymentStatus,
    PaymentTerms, RefundId, RuleReason, Timestamp, is_overdue,
    ports::{Cancellation, MenuObserver, Unavailable},
};
use diesel::{
    OptionalExtension, QueryResult, QueryableByName, sql_query,
    sql_types::{Array, Bool, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::cancel::{CancelFailure, write_cancellation};
use crate::{
    Database,
    database::{Named, NamedRows, spawn_transaction},
    order_row::lock_order,
    payments::lock_payments,
};

/// For how long an order is left alone that cannot be read.
const LEFT_ALONE_FOR: Duration = Duration::from_mins(10);

/// What became of the order that seemed to be overdue.
enum Attempt {
    Cancelled { order_id: OrderId, menu_changed: bool },
    PaidMeanwhile,
    NothingOverdue,
}

/// Orders that could not be cancelled because a record is unreadable, each with the time until which it is left alone:
/// others must not wait for somebody to repair it.
type LeftAlone = HashMap<Uuid, Timestamp>;

/// The age and the id of a pending order.
type Position = (Timestamp, Uuid);

/// Looks for orders that were not paid in time and that the kitchen has not accepted.
#[derive(Default)]
pub(super) struct OverdueSearch {
    /// The pending orders up to this one are paid, or were when they were looked at. A shop that never accepts orders
    /// has any number of those, so that each call looks at some of them only.
    looked_at: Arc<Mutex<Option<Position>>>,
    left_alone: Arc<Mutex<LeftAlone>>,
}

impl OverdueSearch {
    /// Cancels one such order. Several servers that call this at once each find another one.
    pub(super) async fn cancel(
        &self,
        database: &Database,
        terms: PaymentTerms,
        now: Timestamp,
        refund_id: RefundId,
        observer: Arc<dyn MenuObserver>,
    ) -> Result<Option<OrderId>, Unavailable> {
        let own = database.clone();
        let (looked_at, left_alone) = (Arc::clone(&self.looked_at), Arc::clone(&self.left_alone));
        spawn_transaction(database, async move {
            let mut connection = own.connection().await?;
            loop {
                let skipped = still_left_alone(&left_alone, now);
                let round = Round { currency: own.currency(), looked_at: &looked_at, skipped, terms, now, refund_id };
                let mut candidate = None;
                match (round.attempt(&mut connection, &mut candidate).await, candidate) {
                    (Ok(Attempt::Cancelled { order_id, menu_changed }), _) => {
                        if menu_changed {
                            observer.menu_changed();
                        }
                        return Ok(Some(order_id));
                    }
                    // The next search finds another order.
                    (Ok(Attempt::PaidMeanwhile), _) => {}
                    (Ok(Attempt::NothingOverdue), _) => return Ok(None),
                    (Err(cause), Some(order_id)) if cause.unreadable().is_some() => {
                        tracing::error!(%order_id, %cause, "an overdue order cannot be cancelled; it is left alone");
                        let until = now + LEFT_ALONE_FOR;
                        left_alone.lock().unwrap_or_else(PoisonError::into_inner).insert(order_id.as_uuid(), until);
                    }
                    (Err(cause), _) => return Err(cause),
                }
            }
        })
        .await
    }
}

fn still_left_alone(left_alone: &Mutex<LeftAlone>, now: Timestamp) -> Vec<Uuid> {
    let mut left_alone = left_alone.lock().unwrap_or_else(PoisonError::into_inner);
    left_alone.retain(|_, until| *until > now);
    left_alone.keys().copied().collect()
}

/// What one attempt goes by.
struct Round<'a> {
    currency: Currency,
    looked_at: &'a Mutex<Option<Position>>,
    skipped: Vec<Uuid>,
    terms: PaymentTerms,
    now: Timestamp,
    refund_id: RefundId,
}

impl Round<'_> {
    /// `candidate` is the order that was tried, should it fail.
    async fn attempt(
        &self,
        connection: &mut AsyncPgConnection,
        candidate: &mut Option<OrderId>,
    ) -> Result<Attempt, Unavailable> {
        let Self { currency, now, terms, .. } = *self;
        connection
            .transaction::<_, CancelFailure, _>(async |connection| {
                *candidate = match lock_unpaid_by_card(connection, now, &self.skipped).await? {
                    Some(order_id) => Some(order_id),
                    None => lock_unpaid(connection, self).await?,
                };
                let Some(order_id) = *candidate else { return Ok(Attempt::NothingOverdue) };
                let Some(order) = lock_order(connection, currency, order_id).await? else {
                    return Ok(Attempt::NothingOverdue);
                };
                // The candidate was found before it was locked: it may have been paid in between.
                let payments = lock_payments(connection, currency, order_id).await?;
                if !is_overdue(&order, &payments, terms, now) {
                    return Ok(Attempt::PaidMeanwhile);
                }
                let cancellation = Cancellation {
                    actor: None,
                    order_id,
                    by: CancelledBy::Staff,
                    scope: OrderScope::All,
                    reason: Some(RuleReason::NotPaidInTime.into()),
                    cancelled_at: now,
                    refund_id: self.refund_id,
                    idempotency: None,
                };
                let menu_changed = write_cancellation(connection, &order, &cancellation).await?;
                Ok(Attempt::Cancelled { order_id, menu_changed })
            })
            .await
            .map_err(|failure| Unavailable::new(failure.0))
    }
}

#[derive(QueryableByName)]
struct Candidate {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

fn names(statuses: impl IntoIterator<Item = PaymentStatus>) -> Vec<&'static str> {
    statuses.into_iter().map(PaymentStatus::as_str).collect()
}

fn cancellable() -> Vec<&'static str> {
    OVERDUE_ORDER_STATUSES.iter().copied().map(OrderStatus::as_str).collect()
}

/// Finds and locks the order whose open card payment expired first. Several servers that search at once find different
/// orders.
async fn lock_unpaid_by_card(
    connection: &mut AsyncPgConnection,
    now: Timestamp,
    skipped: &[Uuid],
) -> QueryResult<Option<OrderId>> {
    let candidate: Option<Candidate> = sql_query(
        "SELECT o.id FROM payments p JOIN orders o ON o.id = p.order_id \
         WHERE p.status = ANY($1) AND p.method = $2 AND p.expires_at < $3 AND o.status = ANY($4) \
           AND o.id <> ALL($5) \
         ORDER BY p.expires_at LIMIT 1 FOR NO KEY UPDATE OF o SKIP LOCKED",
    )
    .bind::<Array<Text>, _>(names(PaymentStatus::OPEN))
    .bind::<Text, _>(PaymentMethod::Card.as_str())
    .bind::<Timestamptz, _>(now)
    .bind::<Array<Text>, _>(cancellable())
    .bind::<Array<SqlUuid>, _>(skipped)
    .get_result(connection)
    .one("order.find_overdue")
    .await
    .optional()?;
    Ok(candidate.map(|candidate| OrderId::new(candidate.id)))
}

#[derive(QueryableByName)]
struct PendingOrder {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Bool)]
    unpaid: bool,
}

/// Finds and locks the oldest order that has waited too long without a card payment to wait for.
async fn lock_unpaid(connection: &mut AsyncPgConnection, round: &Round<'_>) -> QueryResult<Option<OrderId>> {
    /// How many orders one call looks at.
    const PART: i32 = 500;

    let Round { looked_at, skipped, terms, now, .. } = round;
    let earlier = |wait: Duration| *now - wait;
    let beginning = (Timestamp::UNIX_EPOCH, Uuid::nil());
    let from = looked_at.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(beginning);
    let part: Vec<PendingOrder> = sql_query(
        "WITH pending AS MATERIALIZED ( \
           SELECT id, created_at FROM orders \
           WHERE status = 'pending' AND created_at < $1 AND (created_at, id) > ($2, $3) \
           ORDER BY created_at, id LIMIT $4) \
         SELECT o.id, o.created_at, NOT EXISTS ( \
           SELECT FROM payments p WHERE p.order_id = o.id \
             AND (p.status = ANY($5) AND p.amount > 0 OR p.status = ANY($6) AND p.method = $7 AND o.created_at >= $8)) AS unpaid \
         FROM pending o ORDER BY o.created_at, o.id",
    )
    .bind::<Timestamptz, _>(earlier(terms.unpaid))
    .bind::<Timestamptz, _>(from.0)
    .bind::<SqlUuid, _>(from.1)
    .bind::<Integer, _>(PART)
    .bind::<Array<Text>, _>(names(PaymentStatus::ALL.into_iter().filter(|status| status.is_paid())))
    .bind::<Array<Text>, _>(names(PaymentStatus::OPEN))
    .bind::<Text, _>(PaymentMethod::Card.as_str())
    .bind::<Timestamptz, _>(earlier(terms.longest()))
    .load(connection)
    .rows("order.find_pending")
    .await?;

    let unpaid = part.iter().filter(|order| order.unpaid && !skipped.contains(&order.id));
    let unpaid: Vec<Uuid> = unpaid.map(|order| order.id).collect();
    if unpaid.is_empty() {
        let last = part.last().filter(|_| part.len() == PART.unsigned_abs() as usize);
        let last = last.map(|order| (order.created_at, order.id));
        *looked_at.lock().unwrap_or_else(PoisonError::into_inner) = last;
        return Ok(None);
    }
    let candidate: Option<Candidate> = sql_query(
        "SELECT id FROM orders WHERE id = ANY($1) AND status = ANY($2) \
         ORDER BY created_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED",
    )
    .bind::<Array<SqlUuid>, _>(unpaid)
    .bind::<Array<Text>, _>(cancellable())
    .get_result(connection)
    .one("order.find_unpaid")
    .await
    .optional()?;
    Ok(candidate.map(|candidate| OrderId::new(candidate.id)))
}
