use std::str::FromStr;

use super::UnknownName;

/// The status of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentStatus {
    /// Begun.
    Pending,
    /// The customer has to confirm it with their bank.
    RequiresAction,
    /// Paid.
    Succeeded,
    /// Refused by the bank. The customer may try again, perhaps with another card.
    Failed,
    /// Cancelled before it was paid.
    Cancelled,
    /// Paid, and part of it was refunded.
    PartlyRefunded,
    /// Paid, and all of it was refunded.
    Refunded,
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

    /// Where a payment can still be paid: see [`PaymentStatus::is_open`].
    pub const OPEN: [Self; 3] = [Self::Pending, Self::RequiresAction, Self::Failed];

    /// Open or paid: see [`PaymentStatus::is_active`].
    pub const ACTIVE: [Self; 5] =
        [Self::Pending, Self::RequiresAction, Self::Failed, Self::Succeeded, Self::PartlyRefunded];

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

    /// Whether there is money that could be refunded.
    pub const fn is_paid(self) -> bool {
        matches!(self, Self::Succeeded | Self::PartlyRefunded)
    }

    /// Whether it is open or paid. An order has at most one such payment, so nobody pays twice.
    pub const fn is_active(self) -> bool {
        self.is_open() || self.is_paid()
    }
}

impl FromStr for PaymentStatus {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(UnknownName("pending, requires_action, succeeded, failed, cancelled, partly_refunded, refunded"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_hold_exactly_what_the_predicates_say() {
        for status in PaymentStatus::ALL {
            assert_eq!(PaymentStatus::OPEN.contains(&status), status.is_open(), "{status:?}");
            assert_eq!(PaymentStatus::ACTIVE.contains(&status), status.is_active(), "{status:?}");
            assert_eq!(status.as_str().parse(), Ok(status));
        }
    }
}
