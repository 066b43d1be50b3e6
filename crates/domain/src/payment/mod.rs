//! Payments for orders: who may pay what, what counts as paid, and what goes back to the customer.
//!
//! Every rule is a pure function. A store locks the order and its payments, asks one of them, and writes down the
//! outcome.

mod agree;
mod begin;
mod cancel;
mod chargeable;
#[cfg(test)]
mod history;
mod incident;
mod intent;
mod overdue;
mod refund;
mod refuse;
mod report;
mod rule_reason;
mod settle;
mod status;
mod unwanted;

pub use begin::{BeginRefusal, Beginning, NewPayment, begin_payment};
pub use cancel::{PaymentCancellation, payments_after_cancelling};
pub use chargeable::{ChargeableAmounts, NotChargeable};
pub use incident::{
    DisputeReport, ExaminedPayment, IncidentKind, IncidentStatus, IntentRefund, NotAnIncidentKind, NotAnIncidentStatus,
    PaymentIncident,
};
pub use intent::{ClientSecret, Intent, IntentId};
pub use overdue::{OVERDUE_ORDER_STATUSES, PaymentTerms, is_overdue};
pub use refund::{DecidedRefund, NewRefund, NotARefundStatus, NotRefundable, Refund, RefundStatus};
pub use refuse::RefusedPayment;
pub use report::{Consequence, IntentState, StatusChange};
pub use rule_reason::RuleReason;
pub use settle::{NotSettleable, Settlement};
pub use status::{NotAPaymentStatus, PaymentStatus};
pub use unwanted::Unwanted;

use crate::{Money, OrderId, PaymentId, Timestamp, names::names};

/// A payment for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The payment's id, here and at the gateway.
    pub id: PaymentId,
    /// The order that is paid for.
    pub order_id: OrderId,
    /// Whether it is open, paid, cancelled or refunded.
    pub status: PaymentStatus,
    /// By card or at the counter.
    pub method: PaymentMethod,
    /// What the order costs.
    pub amount: Money,
    /// How much has come in, whether or not it counts as paid. The currency may be another than the amount's: then a
    /// server that did not compare the two has counted it as paid, and nothing of it can be given back here.
    pub received: Money,
    /// How much of the amount was refunded, or will be: the sum of all refunds that have not failed.
    pub refunded: Money,
    /// Until when the order waits for this payment. `None`: it waits without a limit.
    pub expires_at: Option<Timestamp>,
}

impl Payment {
    /// Whether a customer can still pay it by card, so that the gateway needs an intent for it.
    pub const fn awaits_card(&self) -> bool {
        self.method.is_carried_out_by_gateway() && self.status.is_open()
    }

    /// The payment once nobody may pay it any more.
    #[must_use]
    fn cancelled(&self) -> Self {
        Self { status: PaymentStatus::Cancelled, ..self.clone() }
    }
}

names! {
    /// How an order is paid.
    pub enum PaymentMethod {
        /// By card, through the payment gateway.
        Card = "card",
        /// At the counter.
        Counter = "counter",
    }

    /// The text names no payment method.
    pub struct NotAPaymentMethod("unknown; there are: card, counter");
}

impl PaymentMethod {
    /// Whether the gateway moves the money, so that it has to cancel and to refund. At the counter, staff move it.
    pub const fn is_carried_out_by_gateway(self) -> bool {
        matches!(self, Self::Card)
    }
}

#[cfg(test)]
mod sample {
    use uuid::Uuid;

    use super::*;
    use crate::{AccountId, Actor, Currency, Role, SessionId, StaffMember};

    pub(super) fn now() -> Timestamp {
        Timestamp::from_timestamp_millis(1_790_000_000_000).unwrap()
    }

    pub(super) fn euros(amount: i64) -> Money {
        Money::new(amount, Currency::EUR)
    }

    pub(super) fn staff() -> StaffMember {
        let session_id = SessionId::new(Uuid::from_u128(5));
        let actor = Actor { account_id: AccountId::new(Uuid::from_u128(4)), role: Role::Staff, session_id };
        actor.as_staff().unwrap()
    }

    /// A payment of 10.00 €, nothing of which was refunded.
    pub(super) fn payment(method: PaymentMethod, status: PaymentStatus) -> Payment {
        Payment {
            id: PaymentId::new(Uuid::from_u128(1)),
            order_id: OrderId::new(Uuid::from_u128(2)),
            status,
            method,
            amount: euros(1000),
            received: if status.is_paid() || status == PaymentStatus::Refunded { euros(1000) } else { euros(0) },
            refunded: euros(0),
            expires_at: None,
        }
    }
}
