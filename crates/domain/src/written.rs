//! Values as a file has them.

use std::fmt;

use thiserror::Error;

use crate::{Category, Description, MenuItemName, NotCounted, Stock, StockOutOfRange, SupplyName, TextError};

/// Why a value of a file was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum ValueRefused {
    /// A text.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A quantity.
    #[error(transparent)]
    Stock(#[from] StockOutOfRange),
    /// A low-stock threshold, and the menu item is not counted.
    #[error("must be empty, as the menu item is not counted")]
    NotCounted(#[from] NotCounted),
    /// Nothing is there, and what is to be added needs it.
    #[error("is missing, and there is no such item yet")]
    Missing,
    /// It is not what is stored, and can never be changed.
    #[error("cannot be changed")]
    Fixed,
}

/// A value as a file has it. What is stored may be older than today's rules, or be what they make of none: a value that
/// is written as it is stored stays what it is, and only another one has to keep them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written<T> {
    as_it_is: T,
    checked: Result<T, ValueRefused>,
}

impl<T: Clone + PartialEq> Written<T> {
    /// The value as today's rules have it.
    ///
    /// # Errors
    ///
    /// They refuse it.
    pub fn checked(&self) -> Result<T, ValueRefused> {
        self.checked.clone()
    }

    /// What is stored after the import, if this is stored before.
    ///
    /// # Errors
    ///
    /// It differs, and today's rules refuse it.
    pub fn in_place_of(&self, stored: T) -> Result<T, ValueRefused> {
        if self.as_it_is == stored { Ok(stored) } else { self.checked() }
    }

    /// The value as it is written, whatever the rules.
    pub(crate) fn as_it_is(&self) -> T {
        self.as_it_is.clone()
    }
}

impl<T: Clone> From<T> for Written<T> {
    fn from(value: T) -> Self {
        Self { as_it_is: value.clone(), checked: Ok(value) }
    }
}

/// As it is written.
impl<T: fmt::Display> fmt::Display for Written<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_it_is.fmt(f)
    }
}

macro_rules! written_texts {
    ($($text:ident),+) => {$(
        impl Written<$text> {
            /// A text, with white space around it if the file has it.
            pub fn new(text: &str) -> Self {
                Self::of_cell(text, text)
            }

            /// A text as its cell has it, and without the white space around it. Both are given, as a cell may hide how
            /// its text begins from programs that would run it, behind the white space or before it.
            pub fn of_cell(whole: &str, trimmed: &str) -> Self {
                Self { as_it_is: $text::stored(whole), checked: $text::new(trimmed).map_err(ValueRefused::from) }
            }
        }
    )+};
}

written_texts!(MenuItemName, Category, Description, SupplyName);

impl Written<Stock> {
    /// A quantity. Orders that are cancelled can raise a stock above [`Stock::MAX`].
    pub fn new(quantity: u32) -> Self {
        let checked = Stock::new(i64::from(quantity)).map_err(ValueRefused::from);
        Self { as_it_is: Stock::stored(quantity), checked }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_stays_and_anything_else_keeps_the_rules() {
        let hidden = Written::<MenuItemName>::new(" Sou\u{200b}p");
        let stored = MenuItemName::stored(" Sou\u{200b}p");
        assert_eq!(hidden.in_place_of(stored.clone()), Ok(stored));
        let refused = Err(ValueRefused::Text(TextError::InvisibleCharacter));
        assert_eq!(hidden.in_place_of(MenuItemName::stored("Soup")), refused);
        assert_eq!(hidden.checked(), refused);

        let decomposed = Written::<MenuItemName>::new("Cre\u{300}me ");
        let stored = MenuItemName::stored("Cre\u{300}me ");
        assert_eq!(decomposed.in_place_of(stored.clone()), Ok(stored));
        assert_eq!(decomposed.checked(), Ok(MenuItemName::stored("Cr\u{e8}me")));

        let returned = Written::<Stock>::new(1_000_050);
        assert_eq!(returned.in_place_of(Stock::stored(1_000_050)), Ok(Stock::stored(1_000_050)));
        assert_eq!(returned.in_place_of(Stock::stored(1_000_049)), Err(ValueRefused::Stock(StockOutOfRange)));
    }
}
