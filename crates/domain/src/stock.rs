//! The stock of menu items and of supplies, how staff change it, and what the menu may say about it.

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
    /// The most that a menu item or a supply can be stocked with.
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

    /// The stock after this change, if it is `stock` before.
    ///
    /// # Errors
    ///
    /// It would be out of its range.
    pub fn apply_to(self, stock: u32) -> Result<Stock, StockChangeRefused> {
        let after = i64::from(stock) + i64::from(self.0);
        if after < 0 {
            return Err(StockChangeRefused::Insufficient { requested: self.0.unsigned_abs(), available: stock });
        }
        Stock::new(after).or(Err(StockChangeRefused::TooMuch))
    }
}

/// Why a stock cannot be changed so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum StockChangeRefused {
    /// It would go below zero.
    #[error("only {available} are left")]
    Insufficient {
        /// The quantity that was to be taken off.
        requested: u32,
        /// The quantity on hand.
        available: u32,
    },
    /// It would go above [`Stock::MAX`].
    #[error("the stock would exceed {}", Stock::MAX)]
    TooMuch,
}

/// How a stock is changed by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockChange {
    /// By a difference, whatever it was.
    By(StockDelta),
    /// To what was counted, whatever it was.
    To(Stock),
}

impl StockChange {
    /// The stock after this change, if it is `stock` before.
    ///
    /// # Errors
    ///
    /// A difference leads out of the range.
    pub fn apply_to(self, stock: u32) -> Result<Stock, StockChangeRefused> {
        match self {
            Self::By(delta) => delta.apply_to(stock),
            Self::To(counted) => Ok(counted),
        }
    }
}

/// How much there is of a supply, or of a menu item that is counted, and where that is little. A menu item that is not
/// counted has neither, so it has an `Option`: there is no low-stock threshold without a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockLevel {
    /// The quantity on hand.
    pub on_hand: Stock,
    /// At or below this quantity, the menu says "low".
    pub low_at: Stock,
}

impl StockLevel {
    /// What customers may know of it.
    pub const fn availability(self) -> Availability {
        Availability::of(self.on_hand.get(), self.low_at.get())
    }
}

/// What was asked for needs a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the menu item is not counted")]
pub struct NotCounted;

names! {
    /// What customers may know about the stock. They never see the count. The greatest of several is the scarcest.
    #[derive(PartialOrd, Ord)]
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
    fn a_change_leads_from_one_stock_to_another_or_nowhere() {
        let by = |delta| StockChange::By(StockDelta::new(delta).unwrap());
        assert_eq!(by(3).apply_to(4), Ok(Stock(7)));
        assert_eq!(by(-4).apply_to(4), Ok(Stock(0)));
        assert_eq!(by(-5).apply_to(4), Err(StockChangeRefused::Insufficient { requested: 5, available: 4 }));
        assert_eq!(by(1).apply_to(999_999), Ok(Stock(1_000_000)));
        assert_eq!(by(1).apply_to(1_000_000), Err(StockChangeRefused::TooMuch));
        assert_eq!(by(1_000_000).apply_to(u32::MAX), Err(StockChangeRefused::TooMuch));
        let counted = StockChange::To(Stock(7));
        assert_eq!([0, 7, u32::MAX].map(|before| counted.apply_to(before)), [Ok(Stock(7)); 3]);
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
