use std::time::Duration;

use super::Payment;
use crate::{Order, OrderStatus, Timestamp};

/// The statuses in which an order is cancelled when it is not paid in time. Once the kitchen has accepted an order, it
/// is left alone.
pub const OVERDUE_ORDER_STATUSES: [OrderStatus; 1] = [OrderStatus::Pending];

/// How long an order that nobody has accepted waits for its money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentTerms {
    /// How long it waits for a card payment, from when that was begun.
    pub card: Duration,
    /// How long it waits at most while no card payment is open, from when it was placed: until it is paid at the
    /// counter, or a way to pay is chosen.
    pub unpaid: Duration,
}

impl PaymentTerms {
    /// How long an order waits at most, however often its customer begins another payment: a card payment can be begun
    /// as long as the order waits.
    pub fn longest(&self) -> Duration {
        self.unpaid.saturating_add(self.card)
    }
}

/// Whether an order is to be cancelled because it was not paid in time. A payment of nothing does not make it wait:
/// otherwise whoever orders free dishes could hold any quantity of them for ever.
pub fn is_overdue(order: &Order, payments: &[Payment], terms: PaymentTerms, now: Timestamp) -> bool {
    let is_money = |payment: &Payment| payment.status.is_paid() && payment.amount.amount() > 0;
    if !OVERDUE_ORDER_STATUSES.contains(&order.status) || payments.iter().any(is_money) {
        return false;
    }
    let due_at = match payments.iter().find(|payment| payment.awaits_card()) {
        Some(card) => {
            let latest = order.created_at + terms.longest();
            card.expires_at.map_or(latest, |expires_at| expires_at.min(latest))
        }
        None => order.created_at + terms.unpaid,
    };
    due_at < now
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        AccountId, OrderId, OrderNumber, PaymentMethod, PaymentStatus,
        payment::sample::{euros, now, payment},
    };

    const TERMS: PaymentTerms = PaymentTerms { card: Duration::from_mins(15), unpaid: Duration::from_hours(1) };

    fn order(status: OrderStatus, age: Duration) -> Order {
        Order {
            id: OrderId::new(Uuid::from_u128(2)),
            number: OrderNumber::new(1),
            status,
            total: euros(1000),
            line_count: 1,
            note: None,
            customer_id: AccountId::new(Uuid::from_u128(3)),
            created_at: now() - age,
            updated_at: now() - age,
            version: 1,
        }
    }

    fn overdue(age: Duration, payments: &[Payment]) -> bool {
        is_overdue(&order(OrderStatus::Pending, age), payments, TERMS, now())
    }

    #[test]
    fn an_order_is_overdue_when_it_is_unpaid_and_late_before_the_kitchen_accepted_it() {
        let expired = Some(now() - Duration::from_millis(1));
        for status in OrderStatus::ALL {
            let late = order(status, TERMS.unpaid + Duration::from_millis(1));
            assert_eq!(is_overdue(&late, &[], TERMS, now()), status == OrderStatus::Pending, "{status}");
            for method in PaymentMethod::ALL {
                for paid in PaymentStatus::ALL {
                    let payment = Payment { expires_at: expired, ..payment(method, paid) };
                    let expected = status == OrderStatus::Pending && !paid.is_paid();
                    assert_eq!(is_overdue(&late, &[payment], TERMS, now()), expected, "{status} {method:?} {paid:?}");
                }
            }
        }
    }

    #[test]
    fn an_order_of_free_dishes_waits_for_staff_as_long_as_an_unpaid_one() {
        let free = Payment { amount: euros(0), ..payment(PaymentMethod::Counter, PaymentStatus::Succeeded) };
        assert!(!overdue(TERMS.unpaid, std::slice::from_ref(&free)));
        let age = TERMS.unpaid + Duration::from_millis(1);
        assert!(overdue(age, std::slice::from_ref(&free)));
        for status in OrderStatus::ALL.into_iter().filter(|status| *status != OrderStatus::Pending) {
            assert!(!is_overdue(&order(status, age), std::slice::from_ref(&free), TERMS, now()), "{status}");
        }
    }

    #[test]
    fn a_young_order_is_overdue_only_if_its_card_payment_has_expired() {
        let expired = Some(now() - Duration::from_millis(1));
        for method in PaymentMethod::ALL {
            for status in PaymentStatus::ALL {
                let payment = Payment { expires_at: expired, ..payment(method, status) };
                let expected = method == PaymentMethod::Card && status.is_open();
                assert_eq!(overdue(TERMS.unpaid, &[payment]), expected, "{method:?} {status:?}");
            }
        }
        assert!(!overdue(TERMS.unpaid, &[]), "it waits until its last moment");
    }

    #[test]
    fn an_order_waits_for_a_card_until_the_last_moment_of_that_payment() {
        let open = payment(PaymentMethod::Card, PaymentStatus::Failed);
        for expires_at in [now(), now() + Duration::from_secs(1)] {
            let open = Payment { expires_at: Some(expires_at), ..open.clone() };
            assert!(!overdue(TERMS.longest(), &[open]), "{expires_at}");
        }
    }

    #[test]
    fn whoever_begins_one_payment_after_the_other_does_not_hold_an_order_for_ever() {
        let open = payment(PaymentMethod::Card, PaymentStatus::Pending);
        let late = TERMS.longest() + Duration::from_millis(1);
        for expires_at in [None, Some(now() + TERMS.card)] {
            assert!(overdue(late, &[Payment { expires_at, ..open.clone() }]), "{expires_at:?}");
        }
    }
}
