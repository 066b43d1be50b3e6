use super::{Payment, PaymentStatus};

/// What becomes of an order's payments once the gateway has refused one of them for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedPayment {
    /// The refused payment, which nobody can pay.
    pub cancelled: Payment,
    /// The payment that it had replaced, which is open again: the order is as it was before.
    pub reopened: Option<Payment>,
}

impl Payment {
    /// The gateway will never carry this payment out. `replaced` is the payment that was cancelled in its favour.
    /// `None`: it is not open any more, and nothing changes.
    pub fn refuse(&self, replaced: Option<&Self>) -> Option<RefusedPayment> {
        if !self.awaits_card() {
            return None;
        }
        // What the gateway carries out, it may have cancelled meanwhile.
        let reopened = replaced
            .filter(|replaced| replaced.status == PaymentStatus::Cancelled)
            .filter(|replaced| !replaced.method.is_carried_out_by_gateway())
            .map(|replaced| Self { status: PaymentStatus::Pending, ..replaced.clone() });
        Some(RefusedPayment { cancelled: self.cancelled(), reopened })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payment::{PaymentMethod, sample::payment};

    #[test]
    fn only_an_open_card_payment_is_refused_and_what_it_replaced_is_open_again() {
        for method in PaymentMethod::ALL {
            for status in PaymentStatus::ALL {
                let refused = payment(method, status).refuse(None);
                assert_eq!(
                    refused.is_some(),
                    method == PaymentMethod::Card && status.is_open(),
                    "{method:?} {status:?}"
                );
                let open = payment(PaymentMethod::Card, PaymentStatus::Pending);
                let RefusedPayment { cancelled, reopened } = open.refuse(Some(&payment(method, status))).unwrap();
                assert_eq!(cancelled.status, PaymentStatus::Cancelled);
                let expected = method == PaymentMethod::Counter && status == PaymentStatus::Cancelled;
                assert_eq!(
                    reopened,
                    expected.then(|| payment(method, PaymentStatus::Pending)),
                    "{method:?} {status:?}"
                );
            }
        }
    }
}
