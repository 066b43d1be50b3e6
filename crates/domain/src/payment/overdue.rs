use super::Payment;
use crate::{OrderStatus, Timestamp};

/// The statuses in which an order is cancelled when it is not paid in time. Once the kitchen has accepted an order, it
/// is left alone.
pub const OVERDUE_ORDER_STATUSES: [OrderStatus; 1] = [OrderStatus::Pending];

/// Whether an order is to be cancelled because its card payment was begun and not made in time.
pub fn is_overdue(order: OrderStatus, payments: &[Payment], now: Timestamp) -> bool {
    OVERDUE_ORDER_STATUSES.contains(&order)
        && payments
            .iter()
            .any(|payment| payment.awaits_card() && payment.expires_at.is_some_and(|expires_at| expires_at < now))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        PaymentMethod, PaymentStatus,
        payment::sample::{now, payment},
    };

    #[test]
    fn an_order_is_overdue_when_its_card_payment_has_expired_before_the_kitchen_accepted_it() {
        let expired = Some(now() - Duration::from_millis(1));
        for order in OrderStatus::ALL {
            for method in PaymentMethod::ALL {
                for status in PaymentStatus::ALL {
                    let payment = Payment { expires_at: expired, ..payment(method, status) };
                    let expected = order == OrderStatus::Pending && method == PaymentMethod::Card && status.is_open();
                    assert_eq!(is_overdue(order, &[payment], now()), expected, "{order} {method:?} {status:?}");
                }
            }
        }
    }

    #[test]
    fn an_order_waits_until_its_last_moment_and_without_a_limit_forever() {
        let open = payment(PaymentMethod::Card, PaymentStatus::Failed);
        for expires_at in [None, Some(now()), Some(now() + Duration::from_secs(1))] {
            assert!(!is_overdue(OrderStatus::Pending, &[Payment { expires_at, ..open.clone() }], now()));
        }
        assert!(!is_overdue(OrderStatus::Pending, &[], now()));
    }
}
