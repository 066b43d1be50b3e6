//! How many of a menu item a line orders.

use thiserror::Error;

/// The number is not between [`Quantity::MIN`] and [`Quantity::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be between {} and {}", Quantity::MIN, Quantity::MAX)]
pub struct QuantityOutOfRange;

/// How many of a menu item one line orders: 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(try_from = "i64", into = "i64"))]
pub struct Quantity(u32);

impl Quantity {
    /// The smallest quantity of a line.
    pub const MIN: i64 = 1;
    /// The largest quantity of a line.
    pub const MAX: i64 = 100;

    /// Checks the range.
    pub fn new(quantity: i64) -> Result<Self, QuantityOutOfRange> {
        match u32::try_from(quantity) {
            Ok(count) if (Self::MIN..=Self::MAX).contains(&quantity) => Ok(Self(count)),
            _ => Err(QuantityOutOfRange),
        }
    }

    /// The quantity as a number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<i64> for Quantity {
    type Error = QuantityOutOfRange;

    fn try_from(quantity: i64) -> Result<Self, QuantityOutOfRange> {
        Self::new(quantity)
    }
}

impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> Self {
        quantity.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admits_one_to_a_hundred() {
        for quantity in [i64::MIN, -1, 0, 101, 1 << 32, i64::MAX] {
            assert_eq!(Quantity::new(quantity), Err(QuantityOutOfRange));
        }
        assert_eq!(Quantity::new(1).map(Quantity::get), Ok(1));
        assert_eq!(Quantity::new(100).map(Quantity::get), Ok(100));
    }
}
