use super::{Payment, PaymentStatus, Refund, RuleReason};
use crate::{Money, RefundId, Timestamp};

/// The state of a payment as the gateway reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntentState {
    /// The customer has not given a card yet, or the bank is at work.
    Pending,
    /// The customer has to confirm it with their bank.
    RequiresAction,
    /// The bank has refused. Another attempt may succeed.
    Failed,
    /// The money is there. Final.
    Succeeded,
    /// Nobody can pay it any more. Final.
    Cancelled,
}

impl IntentState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Pending, Self::RequiresAction, Self::Failed, Self::Succeeded, Self::Cancelled];
}

/// What follows from a report of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// The report is known, or older than what is known.
    Nothing,
    /// The payment has this status from now on.
    Moves(PaymentStatus),
    /// The money came although the payment had been cancelled: it goes back, as far as it has not before.
    RefundsLatePayment(Money),
    /// The money came although the payment had been cancelled, and has gone back before this was reported, or its
    /// refund is decided already.
    CountsLatePayment,
    /// Another amount came than was asked for, or another currency: somebody has to look into it. It does not count as
    /// paid, unless that has happened already.
    Mismatches(Money),
}

/// What a report of the gateway means for a payment in some status, if the amount is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusChange {
    /// The report is known, or older than what is known.
    None,
    /// The payment has this status from now on.
    To(PaymentStatus),
    /// The money came although the payment had been cancelled.
    PaidLate,
}

impl PaymentStatus {
    /// What a report of the gateway means for a payment in this status. Reports may be repeated and come in any order;
    /// `newer` says whether this one is younger than the last that counted.
    pub const fn on_report(self, state: IntentState, newer: bool) -> StatusChange {
        match (self, state) {
            (Self::Cancelled, IntentState::Succeeded) => StatusChange::PaidLate,
            (Self::Pending | Self::RequiresAction | Self::Failed, IntentState::Succeeded) => {
                StatusChange::To(Self::Succeeded)
            }
            (Self::Pending | Self::RequiresAction | Self::Failed, IntentState::Cancelled) => {
                StatusChange::To(Self::Cancelled)
            }
            (Self::Pending | Self::Failed, IntentState::RequiresAction) if newer => {
                StatusChange::To(Self::RequiresAction)
            }
            (Self::Pending | Self::RequiresAction, IntentState::Failed) if newer => StatusChange::To(Self::Failed),
            _ => StatusChange::None,
        }
    }
}

impl Payment {
    /// What a report of the gateway means for the payment. `received` is what was paid, if the report says so.
    /// `late_refund` says whether a refund was decided because its money came too late, whatever became of that refund,
    /// or any other has failed: what has failed is for staff to make again.
    /// `reported_at` is the time of the report and `last_reported_at` that of the youngest report that counted, both by
    /// the gateway's clock.
    pub fn on_report(
        &self,
        state: IntentState,
        received: Option<Money>,
        late_refund: bool,
        reported_at: Timestamp,
        last_reported_at: Option<Timestamp>,
    ) -> Consequence {
        let newer = last_reported_at.is_none_or(|last| reported_at >= last);
        let received = received.unwrap_or(self.amount);
        match self.status.on_report(state, newer) {
            // All of it had gone back before it was known to have come.
            StatusChange::None if state == IntentState::Succeeded && self.is_refunded_unseen(received) => {
                Consequence::CountsLatePayment
            }
            StatusChange::None if state == IntentState::Succeeded && self.is_mistaken_for_paid(received) => {
                Consequence::Mismatches(received)
            }
            StatusChange::None => Consequence::Nothing,
            StatusChange::To(PaymentStatus::Succeeded) if received != self.amount => Consequence::Mismatches(received),
            StatusChange::To(status) => Consequence::Moves(status),
            StatusChange::PaidLate if received.currency() != self.amount.currency() => {
                Consequence::Mismatches(received)
            }
            StatusChange::PaidLate if late_refund && received == self.received => Consequence::Nothing,
            // A server of the release before did not look at how much came, or it went back before it was known to.
            StatusChange::PaidLate if late_refund => Consequence::CountsLatePayment,
            StatusChange::PaidLate => {
                // What came in excess is for staff to see to.
                let due = received.amount().min(self.amount.amount()).saturating_sub(self.refunded.amount());
                match due > 0 {
                    true => Consequence::RefundsLatePayment(Money::new(due, self.amount.currency())),
                    false if received == self.received => Consequence::Nothing,
                    false => Consequence::CountsLatePayment,
                }
            }
        }
    }

    fn is_refunded_unseen(&self, received: Money) -> bool {
        let is_ours = received.currency() == self.amount.currency() && received.amount() > 0;
        self.status == PaymentStatus::Refunded && self.received.amount() == 0 && is_ours
    }

    /// A server of the release before does not look at how much came.
    fn is_mistaken_for_paid(&self, received: Money) -> bool {
        let counts_as_paid = self.status.is_paid() || self.status == PaymentStatus::Refunded;
        counts_as_paid && received != self.amount && received != self.received
    }

    /// The refund of a payment that was paid after it had been cancelled: see [`Consequence::RefundsLatePayment`].
    pub fn refund_late(&self, id: RefundId, amount: Money, at: Timestamp) -> Refund {
        Refund { amount, ..self.refund_by_rule(id, RuleReason::PaidAfterCancellation, at) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;
    use crate::payment::{
        PaymentMethod,
        sample::{euros, now, payment},
    };

    fn after(reports: &[(IntentState, bool)]) -> (PaymentStatus, usize) {
        let (mut status, mut refunds) = (PaymentStatus::Pending, 0);
        for (state, newer) in reports {
            match status.on_report(*state, *newer) {
                StatusChange::To(to) => status = to,
                StatusChange::PaidLate => {
                    refunds += 1;
                    status = PaymentStatus::Refunded;
                }
                StatusChange::None => {}
            }
        }
        (status, refunds)
    }

    fn any_report() -> impl Strategy<Value = (IntentState, bool)> {
        (select(&IntentState::ALL), any::<bool>())
    }

    #[test]
    fn what_came_for_a_cancelled_payment_is_noted_though_its_refund_is_decided() {
        for (came, known) in [(500, 1000), (1500, 1000), (1000, 0)] {
            let payment = Payment { received: euros(known), ..payment(PaymentMethod::Card, PaymentStatus::Cancelled) };
            let report =
                |payment: &Payment| payment.on_report(IntentState::Succeeded, Some(euros(came)), true, now(), None);
            assert_eq!(report(&payment), Consequence::CountsLatePayment, "{came}");
            assert_eq!(report(&Payment { received: euros(came), ..payment }), Consequence::Nothing, "{came}");
        }
    }

    proptest! {
        /// Only what was asked for counts as paid, and what comes for a cancelled payment goes back, but for an excess.
        #[test]
        fn another_amount_does_not_count_as_paid(
            status in select(&PaymentStatus::ALL),
            received in prop_oneof![Just(1000_i64), 0..2000_i64],
            currency in select(&["EUR", "USD"]),
            refunded in 0..=1000_i64,
            late_refund in any::<bool>(),
        ) {
            let received = Money::new(received, currency.parse().unwrap());
            let refunded = if status.is_open() { 0 } else { refunded };
            let payment = Payment { refunded: euros(refunded), ..payment(PaymentMethod::Card, status) };
            let exact = received == euros(1000);
            match payment.on_report(IntentState::Succeeded, Some(received), late_refund, now(), None) {
                Consequence::Moves(to) => prop_assert!(exact && status.is_open() && to == PaymentStatus::Succeeded),
                Consequence::Mismatches(what) => {
                    prop_assert!(!exact && what == received);
                    prop_assert!(status != PaymentStatus::Cancelled || currency == "USD");
                }
                Consequence::RefundsLatePayment(due) => {
                    prop_assert!(status == PaymentStatus::Cancelled && currency == "EUR" && !late_refund);
                    prop_assert_eq!(due.amount(), received.amount().min(1000) - refunded);
                }
                Consequence::CountsLatePayment => {
                    prop_assert!(status == PaymentStatus::Cancelled && currency == "EUR");
                    prop_assert!(late_refund || received.amount().min(1000) <= refunded);
                }
                Consequence::Nothing => prop_assert!(status == PaymentStatus::Cancelled || !status.is_open() && exact),
            }
        }

        /// Whatever comes before and after, and however often: money that came is kept, or its payment was cancelled
        /// before and it goes back once.
        #[test]
        fn money_that_came_is_kept_or_goes_back_once(
            mut reports in prop::collection::vec(any_report(), 0..8),
            later in prop::collection::vec(any_report(), 0..8),
        ) {
            reports.push((IntentState::Succeeded, false));
            reports.extend(later);
            let (status, refunds) = after(&reports);
            prop_assert!(matches!(status, PaymentStatus::Succeeded | PaymentStatus::Refunded), "{status:?}");
            prop_assert_eq!(refunds, usize::from(status == PaymentStatus::Refunded));
        }

        /// Only the report that the money came makes a payment paid.
        #[test]
        fn nothing_else_pays(mut reports in prop::collection::vec(any_report(), 0..12)) {
            reports.retain(|(state, _)| *state != IntentState::Succeeded);
            let (status, refunds) = after(&reports);
            prop_assert!(!status.is_paid() && refunds == 0);
        }
    }

    #[test]
    fn money_that_had_gone_back_before_it_was_reported_counts_once() {
        let unseen = Payment { received: euros(0), ..payment(PaymentMethod::Card, PaymentStatus::Refunded) };
        let report = |payment: &Payment| payment.on_report(IntentState::Succeeded, None, false, now(), None);
        assert_eq!(report(&unseen), Consequence::CountsLatePayment);
        assert_eq!(report(&Payment { received: euros(1000), ..unseen }), Consequence::Nothing);
    }

    #[test]
    fn another_amount_than_was_counted_as_paid_is_noted_once() {
        let paid = payment(PaymentMethod::Card, PaymentStatus::Succeeded);
        let report =
            |payment: &Payment| payment.on_report(IntentState::Succeeded, Some(euros(100)), false, now(), None);
        assert_eq!(report(&paid), Consequence::Mismatches(euros(100)));
        let noted = Payment { received: euros(100), ..paid };
        assert_eq!(report(&noted), Consequence::Nothing);
        assert_eq!(noted.left(), euros(100), "more cannot go back");
    }

    #[test]
    fn an_old_report_does_not_undo_a_newer_one() {
        assert_eq!(PaymentStatus::RequiresAction.on_report(IntentState::Failed, false), StatusChange::None);
        assert_eq!(PaymentStatus::Failed.on_report(IntentState::RequiresAction, false), StatusChange::None);
    }
}
