use super::{Payment, Refund, RuleReason};
use crate::{RefundId, Timestamp};

/// What cancelling an order means for one of its payments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentCancellation {
    /// It was open: nobody may pay it any more. The payment as it is from now on.
    Cancels(Payment),
    /// It was paid: everything that is left of it goes back.
    Refunds(Payment, Refund),
}

/// What cancelling an order means for its payments. Those that nothing happens to are left out.
///
/// At most one payment of an order is paid ([`PaymentStatus::is_active`](super::PaymentStatus::is_active)), so one id
/// is enough for the refund.
pub fn payments_after_cancelling(payments: &[Payment], refund_id: RefundId, at: Timestamp) -> Vec<PaymentCancellation> {
    let after = |payment: &Payment| {
        if payment.status.is_open() {
            return Some(PaymentCancellation::Cancels(payment.cancelled()));
        }
        let has_money = payment.status.is_paid() && payment.left().amount() > 0;
        has_money.then(|| {
            let refund = payment.refund_by_rule(refund_id, RuleReason::OrderCancelled, at);
            PaymentCancellation::Refunds(payment.clone(), refund)
        })
    };
    payments.iter().filter_map(after).collect()
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};
    use uuid::Uuid;

    use super::*;
    use crate::{
        PaymentMethod, PaymentStatus, RefundStatus,
        payment::sample::{euros, now, payment},
    };

    proptest! {
        /// Afterwards no payment can be paid, and no money that was paid is left here.
        #[test]
        fn nothing_stays_open_and_no_money_stays_here(
            method in select(&PaymentMethod::ALL),
            status in select(&PaymentStatus::ALL),
            refunded in 0..=1000_i64,
        ) {
            let before = Payment { refunded: euros(refunded), ..payment(method, status) };
            let refund_id = RefundId::new(Uuid::from_u128(7));
            let after = payments_after_cancelling(std::slice::from_ref(&before), refund_id, now());
            match after.as_slice() {
                [] => prop_assert!(!status.is_open() && (!status.is_paid() || refunded == 1000)),
                [PaymentCancellation::Cancels(cancelled)] => {
                    prop_assert!(status.is_open());
                    prop_assert_eq!(cancelled, &Payment { status: PaymentStatus::Cancelled, ..before });
                }
                [PaymentCancellation::Refunds(refunded_payment, refund)] => {
                    prop_assert!(status.is_paid());
                    prop_assert_eq!(refunded_payment, &before);
                    prop_assert_eq!((refund.id, refund.amount), (refund_id, before.left()));
                    prop_assert_eq!((refund.requested_by, refund.reason.as_str()), (None, "the order was cancelled"));
                    prop_assert_eq!(refund.status == RefundStatus::Succeeded, method == PaymentMethod::Counter);
                }
                more => prop_assert!(false, "{more:?}"),
            }
        }
    }
}
