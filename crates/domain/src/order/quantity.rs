//! How many quantity of a menu item a line of an order asks for.

use thiserror::Error;

/// The number is not between [`Quantity::MIN`] and [`Quantity::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be between {} and {}", Quantity::MIN, Quantity::MAX)]
pub struct QuantityOutOfRange;

/// How many of a menu item one line orders: 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(u32);

impl Quantity {
    /// The least a line can ask for.
    pub const MIN: i64 = 1;
    /// The most a line can ask for.
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
