use std::sync::Arc;

use comanda_domain::{
    CancelledBy, ExaminedPayment, Money, Order, OrderId, OrderScope, PageLimit, Payment, PaymentCancellation, Reason,
    RefundId, Timestamp, Unwanted, payments_after_cancelling,
    ports::{
        CancelOrderError, Cancellation, Clock, IdGenerator, OrderCriteria, Orders, OrdersQuery, Payments, Unavailable,
        UnreadableRecord,
    },
};

/// Cancels the orders of a time for whoever holds the keys to the deployment, on the command line. Running servers make
/// the refunds, and call off card payments that were begun.
pub struct CancelOrders {
    pub orders: Arc<dyn Orders>,
    pub payments: Arc<dyn Payments>,
    pub ids: Arc<dyn IdGenerator>,
    pub clock: Arc<dyn Clock>,
}

/// An order to be cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnwantedOrder {
    pub order: Order,
    /// What would go back to the customer. `None`: nothing was paid.
    pub refund: Option<Money>,
}

/// The orders of a time.
#[derive(Debug, Default)]
pub struct Found {
    /// Those to be cancelled, the oldest first.
    pub orders: Vec<UnwantedOrder>,
    /// What cannot be read, and is left alone.
    pub unreadable: Vec<UnreadableRecord>,
}

/// What became of orders that were to be cancelled.
#[derive(Debug, Default)]
pub struct Cancelled {
    pub cancelled: Vec<OrderId>,
    /// They were accepted, paid, completed or cancelled before it was their turn.
    pub too_late: Vec<OrderId>,
    /// They could not be cancelled; the others were.
    pub failed: Vec<(OrderId, Unavailable)>,
    /// The store failed as a whole before it was their turn.
    pub not_tried: Vec<OrderId>,
}

impl CancelOrders {
    /// The orders placed from `from` on and before `to` that are not wanted.
    pub async fn find(&self, which: Unwanted, from: Timestamp, to: Timestamp) -> Result<Found, Unavailable> {
        let mut found = Found::default();
        for status in which.statuses() {
            let criteria =
                OrderCriteria { status: Some(status), number: None, created_from: Some(from), created_to: Some(to) };
            let mut after = None;
            loop {
                let query = OrdersQuery { scope: OrderScope::All, criteria, after, limit: PageLimit::default() };
                let page = self.orders.list(query).await?;
                let page = page.ok_or_else(|| Unavailable::new("an order that was just listed is gone"))?;
                after = page.next;
                found.unreadable.extend(page.unreadable);
                self.add_unwanted(which, page.entries, &mut found).await?;
                if after.is_none() {
                    break;
                }
            }
        }
        found.orders.sort_by_key(|UnwantedOrder { order, .. }| (order.created_at, order.id.as_uuid()));
        Ok(found)
    }

    async fn add_unwanted(&self, which: Unwanted, orders: Vec<Order>, found: &mut Found) -> Result<(), Unavailable> {
        let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let mut payments = self.payments.of_orders(&ids).await?;
        for order in orders {
            match payments.remove(&order.id).transpose() {
                Ok(examined) => {
                    let payments =
                        examined.unwrap_or_default().into_iter().map(|ExaminedPayment { payment, .. }| payment);
                    let payments: Vec<Payment> = payments.collect();
                    if which.includes(order.status, &payments) {
                        found.orders.push(UnwantedOrder { refund: self.refund(&payments), order });
                    }
                }
                Err(record) => found.unreadable.push(record),
            }
        }
        Ok(())
    }

    /// What goes back if an order with these payments is cancelled now: at most one of them is paid.
    fn refund(&self, payments: &[Payment]) -> Option<Money> {
        let after = payments_after_cancelling(payments, RefundId::new(self.ids.generate()), self.clock.now());
        after.into_iter().find_map(|after| match after {
            PaymentCancellation::Refunds(_, refund) => Some(refund.amount),
            PaymentCancellation::Cancels(_) => None,
        })
    }

    /// Whether any order was placed from `from` on and before `to`, whatever has become of it.
    pub async fn were_any_placed(&self, from: Timestamp, to: Timestamp) -> Result<bool, Unavailable> {
        let criteria = OrderCriteria { status: None, number: None, created_from: Some(from), created_to: Some(to) };
        let limit = PageLimit::default();
        let page = self.orders.list(OrdersQuery { scope: OrderScope::All, criteria, after: None, limit }).await?;
        Ok(page.is_some_and(|page| !page.entries.is_empty() || !page.unreadable.is_empty()))
    }

    /// Cancels each that is still not wanted, as [`super::Orders::cancel`] does, with a record in the audit log. One
    /// that cannot be cancelled stops no other; if several in a row cannot, the rest is left alone.
    pub async fn cancel(&self, which: Unwanted, orders: &[UnwantedOrder], reason: &Reason) -> Cancelled {
        const IN_A_ROW: usize = 3;
        let (mut outcome, mut in_a_row) = (Cancelled::default(), 0);
        for UnwantedOrder { order, .. } in orders {
            if in_a_row == IN_A_ROW {
                outcome.not_tried.push(order.id);
                continue;
            }
            let cancellation = Cancellation {
                order_id: order.id,
                by: CancelledBy::Operator(which),
                actor: None,
                scope: OrderScope::All,
                reason: Some(reason.clone()),
                cancelled_at: self.clock.now(),
                refund_id: RefundId::new(self.ids.generate()),
                idempotency: None,
            };
            match self.orders.cancel(cancellation).await {
                Err(CancelOrderError::Unavailable(cause)) => {
                    in_a_row = if cause.unreadable().is_some() { 0 } else { in_a_row + 1 };
                    outcome.failed.push((order.id, cause));
                    continue;
                }
                Ok(_) => outcome.cancelled.push(order.id),
                // It has no key that could be refused.
                Err(_) => outcome.too_late.push(order.id),
            }
            in_a_row = 0;
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use comanda_domain::{
        OrderStatus, Page,
        ports::{Idempotent, MockOrders, MockPayments},
    };

    use super::*;
    use crate::sample;

    fn reason() -> Reason {
        Reason::new("a flood").unwrap()
    }

    fn unpaid(orders: impl IntoIterator<Item = Order>) -> Vec<UnwantedOrder> {
        orders.into_iter().map(|order| UnwantedOrder { order, refund: None }).collect()
    }

    fn service(orders: MockOrders, payments: MockPayments) -> CancelOrders {
        let (ids, clock) = (sample::ids(), sample::clock());
        CancelOrders { orders: Arc::new(orders), payments: Arc::new(payments), ids, clock }
    }

    #[tokio::test]
    async fn every_page_of_every_status_is_looked_at() {
        let order = sample::order_with_lines().order;
        let (first, last) = (order.clone(), order.id);
        let mut stored = MockOrders::new();
        stored.expect_list().times(2).returning(move |query| {
            assert_eq!(query.criteria.status, Some(OrderStatus::Pending));
            let next = query.after.is_none().then_some(last);
            Ok(Some(Page { entries: vec![first.clone()], next, unreadable: vec![] }))
        });
        let mut payments = MockPayments::new();
        payments.expect_of_orders().times(2).returning(|_| Ok(HashMap::new()));
        let found = service(stored, payments).find(Unwanted::Pending, sample::now(), sample::now()).await.unwrap();
        assert_eq!(found.orders, unpaid([order.clone(), order]));
    }

    #[tokio::test]
    async fn orders_that_were_paid_meanwhile_are_left_alone_and_the_others_cancelled() {
        let order = sample::order_with_lines().order;
        let mut stored = MockOrders::new();
        let mut turn = 0;
        stored.expect_cancel().times(3).returning(move |cancellation| {
            turn += 1;
            assert!(
                cancellation.by == CancelledBy::Operator(Unwanted::Unpaid) && cancellation.reason == Some(reason())
            );
            match turn {
                2 => Err(CancelOrderError::InvalidTransition { from: OrderStatus::Pending }),
                _ => Ok(Idempotent { outcome: sample::order_with_lines(), replayed: false }),
            }
        });
        let orders = unpaid([order.clone(), order.clone(), order]);
        let outcome = service(stored, MockPayments::new()).cancel(Unwanted::Unpaid, &orders, &reason()).await;
        assert_eq!((outcome.cancelled.len(), outcome.too_late.len(), outcome.failed.len()), (2, 1, 0));
    }

    #[tokio::test]
    async fn one_that_cannot_be_cancelled_stops_no_other() {
        let mut stored = MockOrders::new();
        let mut turn = 0;
        stored.expect_cancel().times(4).returning(move |_| {
            turn += 1;
            match turn {
                4 => Ok(Idempotent { outcome: sample::order_with_lines(), replayed: false }),
                _ if turn % 2 == 0 => Err(CancelOrderError::InvalidTransition { from: OrderStatus::Pending }),
                _ => Err(Unavailable::new("a lock").into()),
            }
        });
        let orders = unpaid(vec![sample::order_with_lines().order; 4]);
        let outcome = service(stored, MockPayments::new()).cancel(Unwanted::Unpaid, &orders, &reason()).await;
        assert_eq!((outcome.cancelled.len(), outcome.too_late.len(), outcome.failed.len()), (1, 1, 2));
        assert!(outcome.not_tried.is_empty());
    }

    #[tokio::test]
    async fn it_stops_when_the_store_is_gone_and_says_what_was_done() {
        let mut stored = MockOrders::new();
        let mut turn = 0;
        stored.expect_cancel().times(4).returning(move |_| {
            turn += 1;
            match turn {
                1 => Ok(Idempotent { outcome: sample::order_with_lines(), replayed: false }),
                _ => Err(Unavailable::new("gone").into()),
            }
        });
        let orders = unpaid(vec![sample::order_with_lines().order; 6]);
        let outcome = service(stored, MockPayments::new()).cancel(Unwanted::Unpaid, &orders, &reason()).await;
        assert_eq!((outcome.cancelled.len(), outcome.failed.len(), outcome.not_tried.len()), (1, 3, 2));
    }
}
