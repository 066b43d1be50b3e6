//! Cancelling an order that was not paid in time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::cancel::{CancelFailure, Cancelled, write_cancellation};
use crate::{
    Database,
    database::{Named, NamedRows, StoredTime, run_transaction, spawn_transaction},
    order_row::lock_order_row,
    payments::lock_payments,
};

/// What became of the order that seemed to be overdue.
enum Attempt {
    Cancelled { order_id: OrderId, menu_changed: bool },
    PaidMeanwhile,
    NothingOverdue,
}

/// The age and the id of a pending order.
type Position = (Timestamp, Uuid);

/// Looks for orders that were not paid in time and that the kitchen has not accepted.
#[derive(Default)]
pub(super) struct OverdueSearch {
    /// The pending orders up to this one are paid, or were when they were looked at. A shop that never accepts orders
    /// has any number of those, so that each call looks at some of them only.
    looked_at: Arc<Mutex<Option<Position>>>,
    /// Orders that could not be cancelled: others are cancelled meanwhile.
    set_aside: Arc<Mutex<SetAside>>,
}

/// Orders that are left alone for a while, by how often they could not be cancelled.
#[derive(Default)]
struct SetAside(HashMap<Uuid, (u32, Timestamp)>);

impl SetAside {
    /// More than that fail for another reason than their own.
    const LIMIT: usize = 1000;

    /// Pauses grow from half a minute to a quarter of an hour. `false`: there are too many already.
    fn put(&mut self, id: OrderId, now: Timestamp) -> bool {
        self.0.retain(|_, (_, until)| *until + Duration::from_hours(1) > now);
        let has_place = self.0.len() < Self::LIMIT || self.0.contains_key(&id.as_uuid());
        if has_place {
            let (times, until) = self.0.entry(id.as_uuid()).or_insert((0, now));
            *until = now + Duration::from_secs(30) * 2_u32.pow(*times).min(30);
            *times = (*times + 1).min(5);
        }
        has_place
    }

    fn at(&self, now: Timestamp) -> Vec<Uuid> {
        self.0.iter().filter(|(_, (_, until))| *until > now).map(|(id, _)| *id).collect()
    }
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
        let (looked_at, set_aside) = (Arc::clone(&self.looked_at), Arc::clone(&self.set_aside));
        spawn_transaction(database, async move {
            let mut connection = own.connection().await?;
            // On its own: nobody may wait for an order while it holds a payment.
            if let Err(error) = forget_expiry(&mut connection, now).await {
                tracing::warn!(%error, "payments that were left open slow down the search for overdue orders");
            }
            loop {
                let search = Search {
                    currency: own.currency(),
                    looked_at: Arc::clone(&looked_at),
                    but: locked(&set_aside).at(now),
                    terms,
                    now,
                    refund_id,
                    tried: Arc::default(),
                };
                let tried = Arc::clone(&search.tried);
                // After a panic the connection is not used again.
                let attempt = comanda_task::isolated(attempt(&mut connection, search), Unavailable::new).await;
                let tried = *locked(&tried);
                match (attempt, tried) {
                    (Ok(Attempt::Cancelled { order_id, menu_changed }), _) => {
                        if menu_changed {
                            observer.menu_changed();
                        }
                        return Ok(Some(order_id));
                    }
                    // The next search finds another order.
                    (Ok(Attempt::PaidMeanwhile), _) => {}
                    (Ok(Attempt::NothingOverdue), _) => return Ok(None),
                    (Err(cause), Some(id)) => {
                        tracing::error!(order = %id, %cause, "an overdue order cannot be cancelled; others go on");
                        let is_set_aside = locked(&set_aside).put(id, now);
                        // The next search finds another order: only a record of this one is in the way.
                        if !is_set_aside || cause.unreadable().is_none() {
                            return Err(cause);
                        }
                    }
                    (Err(cause), None) => return Err(cause),
                }
            }
        })
        .await
    }
}

/// One search.
#[derive(Clone)]
struct Search {
    currency: Currency,
    looked_at: Arc<Mutex<Option<Position>>>,
    /// Orders that are left alone.
    but: Vec<Uuid>,
    terms: PaymentTerms,
    now: Timestamp,
    refund_id: RefundId,
    /// The order that was tried last.
    tried: Arc<Mutex<Option<OrderId>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn attempt(connection: &mut AsyncPgConnection, search: Search) -> Result<Attempt, Unavailable> {
    let cancelled = async move |connection: &mut AsyncPgConnection| -> Result<Attempt, CancelFailure> {
        let Search { currency, terms, now, refund_id, .. } = search;
        let candidate = match lock_unpaid_by_card(connection, &search).await? {
            Some(order_id) => Some(order_id),
            None => lock_unpaid(connection, &search).await?,
        };
        *locked(&search.tried) = candidate;
        let Some(order_id) = candidate else { return Ok(Attempt::NothingOverdue) };
        let Some(order) = lock_order_row(connection, currency, order_id).await? else {
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
            refund_id,
            idempotency: None,
        };
        let Cancelled { menu_changed, .. } = write_cancellation(connection, &order, &cancellation).await?;
        Ok(Attempt::Cancelled { order_id, menu_changed })
    };
    run_transaction(connection, cancelled).await.map_err(|failure| Unavailable::new(failure.0))
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

async fn forget_expiry(connection: &mut AsyncPgConnection, now: Timestamp) -> QueryResult<()> {
    sql_query(include_str!("forget_expiry.sql"))
        .bind::<Timestamptz, _>(now)
        .execute(connection)
        .changes("payment.forget_expiry")
        .await
        .map(|_| ())
}

async fn lock_unpaid_by_card(connection: &mut AsyncPgConnection, search: &Search) -> QueryResult<Option<OrderId>> {
    let candidate: Option<Candidate> = sql_query(include_str!("find_overdue.sql"))
        .bind::<Timestamptz, _>(search.now)
        .bind::<Array<SqlUuid>, _>(&search.but)
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
    #[diesel(deserialize_as = StoredTime)]
    created_at: Timestamp,
    #[diesel(sql_type = Bool)]
    unpaid: bool,
}

/// Finds and locks the oldest order that has waited too long without a card payment to wait for.
async fn lock_unpaid(connection: &mut AsyncPgConnection, search: &Search) -> QueryResult<Option<OrderId>> {
    /// How many orders one call looks at.
    const PART: i32 = 500;

    let Search { looked_at, terms, now, .. } = search;
    let earlier = |wait: Duration| *now - wait;
    let beginning = (Timestamp::UNIX_EPOCH, Uuid::nil());
    let from = locked(looked_at).unwrap_or(beginning);
    let part: Vec<PendingOrder> = sql_query(
        "WITH pending AS MATERIALIZED ( \
           SELECT id, created_at FROM orders \
           WHERE status = 'pending' AND created_at < $1 AND (created_at, id) > ($2, $3) \
           ORDER BY created_at, id LIMIT $4) \
         SELECT o.id, o.created_at, NOT EXISTS ( \
           SELECT FROM payments p WHERE p.order_id = o.id \
             AND (p.status = ANY($5) AND p.amount > 0 \
               OR p.status = ANY($6) AND p.method = $7 AND o.created_at >= $8)) AS unpaid \
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

    let overdue = part.iter().filter(|order| order.unpaid && !search.but.contains(&order.id));
    let unpaid: Vec<Uuid> = overdue.map(|order| order.id).collect();
    if unpaid.is_empty() {
        let last = part.last().filter(|_| part.len() == PART.unsigned_abs() as usize);
        let last = last.map(|order| (order.created_at, order.id));
        *locked(looked_at) = last;
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
