use crate::Reason;

/// Why a rule, rather than a person, cancelled an order or refunded a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleReason {
    /// The order was not paid in time.
    NotPaidInTime,
    /// The order of a paid payment was cancelled.
    OrderCancelled,
    /// The money came after the payment had been cancelled.
    PaidAfterCancellation,
    /// Somebody refunded it at the gateway.
    RefundedAtGateway,
}

impl RuleReason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::NotPaidInTime => "not paid in time",
            Self::OrderCancelled => "the order was cancelled",
            Self::PaidAfterCancellation => "paid after it was cancelled",
            Self::RefundedAtGateway => "refunded at the payment gateway",
        }
    }
}

impl From<RuleReason> for Reason {
    fn from(reason: RuleReason) -> Self {
        Self::of_rule(reason.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reasons_of_rules_are_texts_that_a_person_could_have_given() {
        for reason in [
            RuleReason::NotPaidInTime,
            RuleReason::OrderCancelled,
            RuleReason::PaidAfterCancellation,
            RuleReason::RefundedAtGateway,
        ] {
            assert_eq!(Reason::new(reason.as_str()), Ok(reason.into()));
        }
    }
}
