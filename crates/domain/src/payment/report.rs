use super::{Payment, PaymentStatus, Refund, RuleReason};
use crate::{RefundId, Timestamp};

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
    /// The money came although the payment had been cancelled: all of it goes back.
    RefundsLatePayment,
}

impl PaymentStatus {
    /// What a report of the gateway means for a payment in this status. Reports may be repeated and come in any order;
    /// `newer` says whether this one is younger than the last that counted.
    pub const fn on_report(self, state: IntentState, newer: bool) -> Consequence {
        match (self, state) {
            (Self::Cancelled, IntentState::Succeeded) => Consequence::RefundsLatePayment,
            (Self::Pending | Self::RequiresAction | Self::Failed, IntentState::Succeeded) => {
                Consequence::Moves(Self::Succeeded)
            }
            (Self::Pending | Self::RequiresAction | Self::Failed, IntentState::Cancelled) => {
                Consequence::Moves(Self::Cancelled)
            }
            (Self::Pending | Self::Failed, IntentState::RequiresAction) if newer => {
                Consequence::Moves(Self::RequiresAction)
            }
            (Self::Pending | Self::RequiresAction, IntentState::Failed) if newer => Consequence::Moves(Self::Failed),
            _ => Consequence::Nothing,
        }
    }
}

impl Payment {
    /// What a report of the gateway means for the payment. `reported_at` is the time of the report and
    /// `last_reported_at` that of the youngest report that counted, both by the gateway's clock.
    pub fn on_report(
        &self,
        state: IntentState,
        reported_at: Timestamp,
        last_reported_at: Option<Timestamp>,
    ) -> Consequence {
        let newer = last_reported_at.is_none_or(|last| reported_at >= last);
        match self.status.on_report(state, newer) {
            // The refund was decided when the report came for the first time.
            Consequence::RefundsLatePayment if self.left().amount() == 0 => Consequence::Nothing,
            consequence => consequence,
        }
    }

    /// The refund of a payment that was paid after it had been cancelled: see [`Consequence::RefundsLatePayment`].
    pub fn refund_late(&self, id: RefundId, at: Timestamp) -> Refund {
        self.refund_by_rule(id, RuleReason::PaidAfterCancellation, at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;

    fn after(reports: &[(IntentState, bool)]) -> (PaymentStatus, usize) {
        let (mut status, mut refunds) = (PaymentStatus::Pending, 0);
        for (state, newer) in reports {
            match status.on_report(*state, *newer) {
                Consequence::Moves(to) => status = to,
                Consequence::RefundsLatePayment => {
                    refunds += 1;
                    status = PaymentStatus::Refunded;
                }
                Consequence::Nothing => {}
            }
        }
        (status, refunds)
    }

    fn any_report() -> impl Strategy<Value = (IntentState, bool)> {
        (select(&IntentState::ALL), any::<bool>())
    }

    proptest! {
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
    fn an_old_report_does_not_undo_a_newer_one() {
        assert_eq!(PaymentStatus::RequiresAction.on_report(IntentState::Failed, false), Consequence::Nothing);
        assert_eq!(PaymentStatus::Failed.on_report(IntentState::RequiresAction, false), Consequence::Nothing);
    }
}
