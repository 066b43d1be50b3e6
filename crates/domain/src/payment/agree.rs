use super::{Intent, IntentState, Payment, PaymentStatus};
use crate::Money;

impl Payment {
    /// Whether the gateway says the same about the payment as we do, except for what it has not been asked to do or has
    /// not reported yet. `returned` is how much has gone back by our books.
    pub fn agrees_with(&self, intent: &Intent, returned: Money) -> bool {
        let states_agree = match self.status {
            PaymentStatus::Succeeded | PaymentStatus::PartlyRefunded | PaymentStatus::Refunded => {
                let is_known = |received| received == self.amount || self.has_given_back(received);
                intent.state == IntentState::Succeeded && intent.received.is_none_or(is_known)
            }
            // The gateway may not have cancelled it yet. Money that came all the same must be on its way back.
            PaymentStatus::Cancelled => {
                let received = intent.received.map_or(self.amount.amount(), Money::amount);
                intent.state != IntentState::Succeeded || self.refunded.amount() >= received.min(self.amount.amount())
            }
            PaymentStatus::Pending | PaymentStatus::RequiresAction | PaymentStatus::Failed => {
                !matches!(intent.state, IntentState::Succeeded | IntentState::Cancelled)
            }
        };
        let refunded = intent.refunded().amount();
        // What came in excess may have gone back, too.
        let most = self.refunded.amount().max(returned.amount());
        let refunds_agree = (returned.amount()..=most).contains(&refunded);
        states_agree && self.amount == intent.amount && refunds_agree
    }

    /// Whether another amount came than was asked for, which is known, and nothing of it counts any more: it has gone
    /// back, or is about to, but for an excess. Until then somebody has to look.
    fn has_given_back(&self, received: Money) -> bool {
        received == self.received && self.refunded.amount() >= received.amount().min(self.amount.amount())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        IntentId, PaymentMethod,
        payment::sample::{euros, payment},
        payment::{IntentRefund, RefundStatus},
    };

    fn intent(state: IntentState, amount: i64, refunded: i64) -> Intent {
        let id = IntentId("pi_1".to_owned());
        let refund = |amount, status| IntentRefund { id: "re_1".to_owned(), refund_id: None, amount, status };
        let refunds = vec![refund(euros(refunded), RefundStatus::Succeeded), refund(euros(400), RefundStatus::Failed)];
        let amount = euros(amount);
        Intent { id, client_secret: None, state, amount, received: None, refunds, payment_id: None }
    }

    fn agreeing(payment: &Payment) -> Vec<IntentState> {
        let agrees = |state: &IntentState| payment.agrees_with(&intent(*state, 1000, 0), euros(0));
        IntentState::ALL.into_iter().filter(agrees).collect()
    }

    #[test]
    fn an_outcome_that_only_the_gateway_knows_is_a_difference() {
        use IntentState::{Cancelled, Failed, Pending, RequiresAction, Succeeded};
        for status in PaymentStatus::ALL {
            let expected = match status {
                PaymentStatus::Pending | PaymentStatus::RequiresAction | PaymentStatus::Failed => {
                    vec![Pending, RequiresAction, Failed]
                }
                PaymentStatus::Cancelled => vec![Pending, RequiresAction, Failed, Cancelled],
                PaymentStatus::Succeeded | PaymentStatus::PartlyRefunded | PaymentStatus::Refunded => vec![Succeeded],
            };
            assert_eq!(agreeing(&payment(PaymentMethod::Card, status)), expected, "{status:?}");
        }
        let late = Payment { refunded: euros(1000), ..payment(PaymentMethod::Card, PaymentStatus::Cancelled) };
        assert!(agreeing(&late).contains(&Succeeded), "its money is on its way back");
    }

    #[test]
    fn another_amount_than_was_asked_for_is_a_difference_until_it_is_on_its_way_back() {
        let received = |amount| Intent { received: Some(euros(amount)), ..intent(IntentState::Succeeded, 1000, 0) };
        let paid = payment(PaymentMethod::Card, PaymentStatus::Succeeded);
        let agree = |payment: &Payment, amount| payment.agrees_with(&received(amount), euros(0));
        assert!(agree(&paid, 1000) && !agree(&paid, 100));
        let cancelled = Payment { refunded: euros(100), ..payment(PaymentMethod::Card, PaymentStatus::Cancelled) };
        assert!(agree(&cancelled, 100) && !agree(&cancelled, 101));
    }

    /// A server of the release before did not look at how much came.
    #[test]
    fn another_amount_that_counted_as_paid_is_a_difference_until_it_is_on_its_way_back() {
        for came in [100, 1500] {
            let status = PaymentStatus::Succeeded;
            let noted = Payment { received: euros(came), ..payment(PaymentMethod::Card, status) };
            let agrees = |payment: &Payment, received, returned| {
                let received = Some(euros(received));
                let intent = Intent { received, ..intent(IntentState::Succeeded, 1000, returned) };
                payment.agrees_with(&intent, euros(returned))
            };
            let part = came.min(1000) - 1;
            let (whole, partly) = (PaymentStatus::Refunded, PaymentStatus::PartlyRefunded);
            assert!(!agrees(&noted, came, 0));
            assert!(!agrees(&Payment { status: partly, refunded: euros(part), ..noted.clone() }, came, part));
            let refunded = Payment { status: whole, refunded: euros(part + 1), ..noted };
            assert!(agrees(&refunded, came, part + 1));
            assert!(!agrees(&refunded, came + 1, part + 1), "more came than is known");
        }
        let excess = Payment {
            received: euros(1500),
            refunded: euros(1000),
            ..payment(PaymentMethod::Card, PaymentStatus::Refunded)
        };
        let intent =
            |refunded| Intent { received: Some(euros(1500)), ..intent(IntentState::Succeeded, 1000, refunded) };
        assert!(excess.agrees_with(&intent(1500), euros(1500)), "the excess has gone back, too");
        assert!(!excess.agrees_with(&intent(1500), euros(1000)) && !excess.agrees_with(&intent(1000), euros(1500)));
    }

    #[test]
    fn amounts_differ_when_the_gateway_was_asked_for_another_or_has_refunded_more() {
        let paid = Payment { refunded: euros(300), ..payment(PaymentMethod::Card, PaymentStatus::Succeeded) };
        for (amount, refunded, returned, expected) in [
            (1000, 0, 0, true),
            (1000, 300, 0, true),
            (1000, 300, 300, true),
            (1000, 301, 300, false),
            (1000, 299, 300, false),
            (999, 300, 300, false),
            (1001, 0, 0, false),
        ] {
            assert_eq!(paid.agrees_with(&intent(IntentState::Succeeded, amount, refunded), euros(returned)), expected);
        }
    }
}
