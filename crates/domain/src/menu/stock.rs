//! Portions on hand, and what the menu may say about them.

use thiserror::Error;

/// The number is not between 0 and [`Stock::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be between 0 and {}", Stock::MAX)]
pub struct StockOutOfRange;

/// Portions on hand as somebody states them: 0 to [`Stock::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stock(u32);

impl Stock {
    /// The most a menu item can be stocked with.
    pub const MAX: i64 = 1_000_000;

    /// Checks the range.
    pub fn new(quantity: i64) -> Result<Self, StockOutOfRange> {
        match u32::try_from(quantity) {
            Ok(stock) if quantity <= Self::MAX => Ok(Self(stock)),
            _ => Err(StockOutOfRange),
        }
    }

    /// The number of quantity.
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

    /// Portions more (or, below zero, fewer).
    pub const fn get(self) -> i32 {
        self.0
    }
}

/// What customers are told of the stock. The count itself is the restaurant's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Availability {
    /// More than the low mark.
    InStock,
    /// At or below the low mark, and not yet gone.
    Low,
    /// None left.
    SoldOut,
}

impl Availability {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::InStock, Self::Low, Self::SoldOut];

    /// The name in the HTTP contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InStock => "in_stock",
            Self::Low => "low",
            Self::SoldOut => "sold_out",
        }
    }

    /// Judges a stock by the menu item's low mark.
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
    fn availability_changes_at_the_lines() {
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
