use super::Payment;
use crate::{CancelledBy, OrderStatus};

/// Which open orders an operator cancels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwanted {
    /// Those that nothing was paid for.
    Unpaid,
    /// Those that the kitchen has not accepted, whatever was paid.
    Pending,
    /// Those that the kitchen has not accepted and that nothing was paid for.
    UnpaidAndPending,
}

impl Unwanted {
    /// Whether they are to be unpaid.
    pub const fn is_unpaid(self) -> bool {
        matches!(self, Self::Unpaid | Self::UnpaidAndPending)
    }

    /// The statuses they may have.
    pub fn statuses(self) -> impl Iterator<Item = OrderStatus> {
        OrderStatus::ALL.into_iter().filter(move |status| status.can_be_cancelled_by(CancelledBy::Operator(self)))
    }

    /// Whether an order with these payments is one of them.
    pub fn includes<'a>(self, status: OrderStatus, payments: impl IntoIterator<Item = &'a Payment>) -> bool {
        let mut payments = payments.into_iter();
        // What costs nothing counts as paid once staff have accepted it.
        let counts = |payment: &Payment| payment.amount.amount() > 0 || status != OrderStatus::Pending;
        let is_paid = |payment: &Payment| payment.status.is_paid() && counts(payment);
        status.can_be_cancelled_by(CancelledBy::Operator(self)) && !(self.is_unpaid() && payments.any(is_paid))
    }
}

#[cfg(test)]
mod tests {
    use OrderStatus::{Accepted, Cancelled, Completed, Pending, Preparing, Ready};

    use super::*;
    use crate::{
        PaymentMethod, PaymentStatus,
        payment::sample::{euros, payment},
    };

    #[test]
    fn an_operator_cancels_what_is_unpaid_or_not_accepted() {
        let unpaid = payment(PaymentMethod::Card, PaymentStatus::Pending);
        let paid = payment(PaymentMethod::Card, PaymentStatus::Succeeded);
        let free = Payment { amount: euros(0), ..paid.clone() };
        for (which, statuses, of_paid) in [
            (Unwanted::Unpaid, vec![Pending, Accepted, Preparing, Ready], false),
            (Unwanted::Pending, vec![Pending], true),
            (Unwanted::UnpaidAndPending, vec![Pending], false),
        ] {
            assert_eq!(which.statuses().collect::<Vec<_>>(), statuses, "{which:?}");
            assert!(which.includes(Pending, []) && which.includes(Pending, [&unpaid, &free]), "{which:?}");
            assert_eq!(which.includes(Pending, [&unpaid, &paid]), of_paid, "{which:?}");
            assert!(!which.includes(Ready, [&free]), "{which:?}");
            assert!(!which.includes(Completed, []) && !which.includes(Cancelled, []), "{which:?}");
        }
    }
}
