//! Payments for orders.

use crate::{ids::PaymentId, money::Money};

/// How an order is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentMethod {
    /// By card, through the payment gateway.
    Card,
    /// At the counter.
    Counter,
}

impl PaymentMethod {
    /// The name in the HTTP contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Counter => "counter",
        }
    }
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentStatus {
    /// Begun.
    Pending,
    /// The customer has to confirm it.
    RequiresAction,
    /// Paid.
    Succeeded,
    /// Refused by the bank.
    Failed,
    /// Called off before it was paid.
    Cancelled,
    /// Paid, and a part of it given back.
    PartlyRefunded,
    /// Paid, and all of it given back.
    Refunded,
}

impl PaymentStatus {
    /// The name in the HTTP contract.
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
}

/// A payment for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Names it for good.
    pub id: PaymentId,
    /// Where it stands.
    pub status: PaymentStatus,
    /// How.
    pub method: PaymentMethod,
    /// How much.
    pub amount: Money,
}
