//! Stock, and what the menu may say about it.

use crate::names::names;

use thiserror::Error;

/// The number is not between 0 and [`Stock::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be between 0 and {}", Stock::MAX)]
pub struct StockOutOfRange;

/// A stated quantity on hand: 0 to [`Stock::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stock(u32);

impl Stock {
    /// The most a menu item can be stocked with.
    pub const MAX: i64 = 1_000_000;

    /// At or below this, there is little left, unless staff say otherwise.
    pub const LOW: Self = Self(5);

    /// Checks the range.
    pub fn new(quantity: i64) -> Result<Self, StockOutOfRange> {
        match u32::try_from(quantity) {
            Ok(stock) if quantity <= Self::MAX => Ok(Self(stock)),
            _ => Err(StockOutOfRange),
        }
    }

    /// A quantity that was accepted before, whatever the rules are today.
    pub const fn stored(quantity: u32) -> Self {
        Self(quantity)
    }

    /// The quantity as a number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// The change is zero or beyond ±[`Stock::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must not be 0 and must be between -{max} and {max}", max = Stock::MAX)]
pub struct StockDeltaOutOfRange;

/// A change of the stock: a delivery, a breakage, a correction. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockDelta(i32);

impl StockDelta {
    /// Checks the range.
    pub fn new(quantity: i64) -> Result<Self, StockDeltaOutOfRange> {
        match i32::try_from(quantity) {
            Ok(delta) if delta != 0 && quantity.abs() <= Stock::MAX => Ok(Self(delta)),
            _ => Err(StockDeltaOutOfRange),
        }
    }

    /// How many more, or, if negative, fewer.
    pub const fn get(self) -> i32 {
        self.0
    }
}

names! {
    /// What customers may know about the stock. They never see the count.
    pub enum Availability {
        /// Above the low-stock threshold.
        InStock = "in_stock",
        /// At or below the low-stock threshold, but not sold out.
        Low = "low",
        /// None left.
        SoldOut = "sold_out",
    }

    /// The text names no availability.
    pub struct NotAnAvailability("an availability is in_stock, low or sold_out");
}

impl Availability {
    /// The availability of a stock, given the item's low-stock threshold.
    pub const fn of(stock: u32, low_stock_at: u32) -> Self {
        if stock == 0 {
            Self::SoldOut
        } else if stock <= low_stock_at {
            Self::Low
        } else {
            Self::InStock
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn availability_changes_at_the_threshold_and_at_zero() {
        let at = |stock| Availability::of(stock, 5);
        assert_eq!([at(0), at(1), at(5), at(6)].map(|a| format!("{a:?}")), ["SoldOut", "Low", "Low", "InStock"]);
        assert_eq!(Availability::of(1, 0), Availability::InStock);
    }

    #[test]
    fn a_change_of_nothing_is_none() {
        assert!(StockDelta::new(0).is_err());
        assert!(StockDelta::new(-1_000_000).is_ok());
        assert!(StockDelta::new(-1_000_001).is_err());
        assert!(Stock::new(-1).is_err());
        assert!(Stock::new(1_000_001).is_err());
    }
}
