use crate::names::names;

names! {
    /// The status of a payment.
    pub enum PaymentStatus {
        /// Begun.
        Pending = "pending",
        /// The customer has to confirm it with their bank.
        RequiresAction = "requires_action",
        /// Paid.
        Succeeded = "succeeded",
        /// Refused by the bank. The customer may try again, perhaps with another card.
        Failed = "failed",
        /// Cancelled before it was paid.
        Cancelled = "cancelled",
        /// Paid, and part of it was refunded.
        PartlyRefunded = "partly_refunded",
        /// Paid, and all of it was refunded.
        Refunded = "refunded",
    }

    /// The text names no status of a payment.
    pub struct NotAPaymentStatus(
        "unknown; there are: pending, requires_action, succeeded, failed, cancelled, partly_refunded, refunded"
    );
}

impl PaymentStatus {
    /// Where a payment can still be paid: see [`PaymentStatus::is_open`].
    pub const OPEN: [Self; 3] = [Self::Pending, Self::RequiresAction, Self::Failed];

    /// Open or paid: see [`PaymentStatus::is_active`].
    pub const ACTIVE: [Self; 5] =
        [Self::Pending, Self::RequiresAction, Self::Failed, Self::Succeeded, Self::PartlyRefunded];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_hold_exactly_what_the_predicates_say() {
        for status in PaymentStatus::ALL {
            assert_eq!(PaymentStatus::OPEN.contains(&status), status.is_open(), "{status:?}");
            assert_eq!(PaymentStatus::ACTIVE.contains(&status), status.is_active(), "{status:?}");
        }
    }
}
