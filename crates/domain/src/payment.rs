//! Payments for orders.

use std::str::FromStr;

use thiserror::Error;

use crate::{AccountId, Money, OrderId, PaymentId, Reason, RefundId, Timestamp};

/// The text names nothing of the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("unknown; there are: {0}")]
pub struct UnknownName(&'static str);

/// How an order is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentMethod {
    /// By card, through the payment gateway.
    Card,
    /// At the counter.
    Counter,
}

impl PaymentMethod {
    /// The name in the HTTP contract and in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Counter => "counter",
        }
    }
}

impl FromStr for PaymentMethod {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let all = [Self::Card, Self::Counter];
        all.into_iter().find(|method| method.as_str() == text).ok_or(UnknownName("card, counter"))
    }
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentStatus {
    /// Begun.
    Pending,
    /// The customer has to confirm it.
    RequiresAction,
    /// Paid.
    Succeeded,
    /// Refused by the bank; the customer may try again, with another card perhaps.
    Failed,
    /// Called off before it was paid.
    Cancelled,
    /// Paid, and a part of it given back.
    PartlyRefunded,
    /// Paid, and all of it given back.
    Refunded,
}

/// What the gateway says of a payment that it carries out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntentState {
    /// The customer has not given a card yet, or the bank is at work.
    Pending,
    /// The customer has to confirm it with their bank.
    RequiresAction,
    /// The bank has refused; another try may succeed.
    Failed,
    /// The money is there. Final.
    Succeeded,
    /// Nobody can pay it any more. Final.
    Cancelled,
}

/// What follows from a report of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// It is known, or older than what is known.
    Nothing,
    /// The payment stands here from now on.
    Moves(PaymentStatus),
    /// The money came although the payment had been cancelled: all of it is given back.
    RefundsLatePayment,
}

impl PaymentStatus {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::RequiresAction,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::PartlyRefunded,
        Self::Refunded,
    ];

    /// The name in the HTTP contract and in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::RequiresAction => "requires_action",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::PartlyRefunded => "partly_refunded",
            Self::Refunded => "refunded",
        }
    }

    /// Whether it can still be paid.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::RequiresAction | Self::Failed)
    }

    /// Whether there is money that could be given back.
    pub const fn is_paid(self) -> bool {
        matches!(self, Self::Succeeded | Self::PartlyRefunded)
    }

    /// What a report of the gateway means for a payment that stands here. Reports may be repeated and come in any order: `newer` says
    /// whether this one is younger than the last that counted.
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

impl FromStr for PaymentStatus {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(UnknownName("a status of payments"))
    }
}

/// A payment for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Names it for good.
    pub id: PaymentId,
    /// What is paid for.
    pub order_id: OrderId,
    /// Where it stands.
    pub status: PaymentStatus,
    /// How.
    pub method: PaymentMethod,
    /// How much.
    pub amount: Money,
    /// How much of it was given back, or is about to be.
    pub refunded: Money,
}

/// The gateway's name for a payment that it carries out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IntentId(pub String);

/// What a customer's browser pays with. Not to be logged.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(pub String);

impl std::fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientSecret(…)")
    }
}

/// A payment as the gateway carries it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The gateway's name for it.
    pub id: IntentId,
    /// What the customer pays with.
    pub client_secret: Option<ClientSecret>,
    /// Where it stands.
    pub state: IntentState,
    /// How much.
    pub amount: Money,
    /// How much of it the gateway has given back.
    pub refunded: Money,
    /// The payment it is for, as we told the gateway.
    pub payment_id: Option<PaymentId>,
}

/// Money that goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Names it for good.
    pub id: RefundId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub status: RefundStatus,
    /// Why.
    pub reason: Reason,
    /// Who decided it; `None` is a rule.
    pub requested_by: Option<AccountId>,
    /// When it was decided.
    pub created_at: Timestamp,
}

/// Where a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundStatus {
    /// Decided; the gateway is told until it takes it.
    Pending,
    /// On its way to the customer.
    Succeeded,
    /// The bank does not take it back. Somebody has to look.
    Failed,
}

impl RefundStatus {
    /// The name in the HTTP contract and in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for RefundStatus {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let all = [Self::Pending, Self::Succeeded, Self::Failed];
        all.into_iter().find(|status| status.as_str() == text).ok_or(UnknownName("pending, succeeded, failed"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STATES: [IntentState; 5] = [
        IntentState::Pending,
        IntentState::RequiresAction,
        IntentState::Failed,
        IntentState::Succeeded,
        IntentState::Cancelled,
    ];

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

    proptest! {
        /// Whatever comes before, after, and how often: money that came ends as paid, or was cancelled before and goes back once.
        #[test]
        fn money_that_came_is_kept_or_goes_back_once(
            before in prop::collection::vec((0..5_usize, any::<bool>()), 0..8),
            later in prop::collection::vec((0..5_usize, any::<bool>()), 0..8),
        ) {
            let states = |numbers: Vec<(usize, bool)>| numbers.into_iter().map(|(n, newer)| (STATES[n], newer));
            let mut reports: Vec<_> = states(before).collect();
            reports.push((IntentState::Succeeded, false));
            reports.extend(states(later));
            let (status, refunds) = after(&reports);
            prop_assert!(matches!(status, PaymentStatus::Succeeded | PaymentStatus::Refunded), "{status:?}");
            prop_assert_eq!(refunds, usize::from(status == PaymentStatus::Refunded));
        }

        /// Without it nothing is paid.
        #[test]
        fn nothing_else_pays(numbers in prop::collection::vec((0..5_usize, any::<bool>()), 0..12)) {
            let reports: Vec<_> = numbers
                .into_iter()
                .map(|(n, newer)| (STATES[n], newer))
                .filter(|(state, _)| *state != IntentState::Succeeded)
                .collect();
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
