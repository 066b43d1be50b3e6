use std::num::NonZeroU32;

use thiserror::Error;

use crate::{Currency, Money};

/// The amounts that the payment gateway can charge to a card, in the deployment's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChargeableAmounts {
    minimum: Money,
    step: NonZeroU32,
}

/// The payment gateway will never charge this amount to a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum NotChargeable {
    /// It is too small.
    #[error("the least that can be charged to a card is {minimum} {}", .minimum.currency())]
    BelowMinimum {
        /// The smallest amount that can be charged.
        minimum: Money,
    },
    /// The gateway has no such fraction of the currency.
    #[error("only multiples of {step} {} can be charged to a card", .step.currency())]
    Fraction {
        /// What the amount would have to be a multiple of.
        step: Money,
    },
    /// It is of another currency.
    #[error("only {0} can be charged to a card")]
    Currency(Currency),
}

impl ChargeableAmounts {
    /// Multiples of `step` minor units, from `minimum` on.
    pub const fn new(minimum: Money, step: NonZeroU32) -> Self {
        Self { minimum, step }
    }

    /// Every amount of the currency.
    pub const fn all(currency: Currency) -> Self {
        Self::new(Money::zero(currency), NonZeroU32::MIN)
    }

    /// Whether an amount can be charged, or why not.
    pub fn admit(&self, amount: Money) -> Result<(), NotChargeable> {
        if amount.currency() == self.minimum.currency() && amount.amount() < self.minimum.amount() {
            return Err(NotChargeable::BelowMinimum { minimum: self.minimum });
        }
        self.admit_part(amount)
    }

    /// Whether a part of what was charged can go back, or why not: there is no minimum for that.
    pub fn admit_part(&self, amount: Money) -> Result<(), NotChargeable> {
        let (currency, step) = (self.minimum.currency(), i64::from(self.step.get()));
        if amount.currency() != currency {
            return Err(NotChargeable::Currency(currency));
        }
        if amount.amount() % step != 0 {
            return Err(NotChargeable::Fraction { step: Money::new(step, currency) });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payment::sample::euros;

    #[test]
    fn multiples_of_the_step_from_the_minimum_on_can_be_charged() {
        let amounts = ChargeableAmounts::new(euros(50), NonZeroU32::new(10).unwrap());
        let (minimum, step) = (euros(50), euros(10));
        for (amount, expected) in [
            (49, Err(NotChargeable::BelowMinimum { minimum })),
            (50, Ok(())),
            (51, Err(NotChargeable::Fraction { step })),
            (60, Ok(())),
        ] {
            assert_eq!(amounts.admit(euros(amount)), expected, "{amount}");
        }
        let yen = Money::new(50, "JPY".parse().unwrap());
        assert_eq!(amounts.admit(yen), Err(NotChargeable::Currency(Currency::EUR)));
        assert_eq!(ChargeableAmounts::all(Currency::EUR).admit(euros(1)), Ok(()));
    }
}
