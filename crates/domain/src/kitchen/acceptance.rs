//! Who accepts orders.

use crate::{OrderStatus, Payment, PaymentMethod, names::names};

names! {
    /// Who accepts orders, which sends them to the kitchen.
    pub enum AcceptOrders {
        /// Staff, one by one.
        Staff = "staff",
        /// The server, as soon as the order is paid or is to be paid at the counter.
        Paid = "paid",
        /// The server, when the order is placed.
        Always = "always",
    }

    /// The text does not say who accepts orders.
    pub struct NotAnAcceptance("must be staff, paid or always");
}

impl AcceptOrders {
    /// Where an order stands when it has been placed.
    pub const fn first_status(self) -> OrderStatus {
        match self {
            Self::Staff | Self::Paid => OrderStatus::Pending,
            Self::Always => OrderStatus::Accepted,
        }
    }

    /// Whether an order that has this payment is accepted because of it.
    pub const fn accepts(self, order: OrderStatus, payment: &Payment) -> bool {
        matches!(self, Self::Paid) && matches!(order, OrderStatus::Pending) && Self::counts(payment)
    }

    /// Whether nobody has to wait for money any more before the order is made: it has come, or staff take it when they
    /// hand the order over. A payment of nothing accepts no order: otherwise whoever orders free dishes could hold any
    /// quantity of them.
    const fn counts(payment: &Payment) -> bool {
        let is_certain =
            payment.status.is_paid() || matches!(payment.method, PaymentMethod::Counter) && payment.status.is_open();
        is_certain && payment.amount.amount() > 0
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{Currency, Money, OrderId, PaymentId, PaymentStatus};

    fn payment(method: PaymentMethod, status: PaymentStatus) -> Payment {
        let zero = Money::new(0, Currency::EUR);
        Payment {
            id: PaymentId::new(Uuid::from_u128(1)),
            order_id: OrderId::new(Uuid::from_u128(2)),
            status,
            method,
            amount: Money::new(1000, Currency::EUR),
            received: zero,
            refunded: zero,
            expires_at: None,
        }
    }

    #[test]
    fn only_the_setting_paid_goes_by_payments_and_only_for_orders_that_wait() {
        for accept in AcceptOrders::ALL {
            for order in OrderStatus::ALL {
                for method in PaymentMethod::ALL {
                    for status in PaymentStatus::ALL {
                        let is_certain = status.is_paid() || method == PaymentMethod::Counter && status.is_open();
                        let expected = accept == AcceptOrders::Paid && order == OrderStatus::Pending && is_certain;
                        assert_eq!(accept.accepts(order, &payment(method, status)), expected, "{accept} {order}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_payment_of_nothing_accepts_no_order() {
        let paid = payment(PaymentMethod::Counter, PaymentStatus::Succeeded);
        let free = Payment { amount: Money::new(0, Currency::EUR), ..paid.clone() };
        assert!(AcceptOrders::Paid.accepts(OrderStatus::Pending, &paid));
        assert!(!AcceptOrders::Paid.accepts(OrderStatus::Pending, &free));
    }

    #[test]
    fn an_order_begins_where_the_setting_says() {
        assert_eq!(
            AcceptOrders::ALL.map(AcceptOrders::first_status),
            [OrderStatus::Pending, OrderStatus::Pending, OrderStatus::Accepted]
        );
    }
}
