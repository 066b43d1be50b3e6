//! Text that people type, bounded in length and free of characters that no page and no slip can show.

use std::{fmt, sync::Arc};

use thiserror::Error;

/// Why a text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum TextError {
    /// Shorter than the least number of characters, surrounding white space not counted.
    #[error("must have at least {min} character(s)")]
    TooShort {
        /// The least number of characters.
        min: usize,
    },
    /// Longer than the greatest number of characters (Unicode scalar values).
    #[error("must have at most {max} characters")]
    TooLong {
        /// The greatest number of characters.
        max: usize,
    },
    /// Holds a control character, NUL for instance, which `PostgreSQL` cannot store and a printer might obey.
    #[error("must not contain control characters")]
    ControlCharacter,
}

fn check(text: &str, min: usize, max: usize, may_break_lines: bool) -> Result<Arc<str>, TextError> {
    let text = text.trim();
    let forbidden = |c: char| c.is_control() && !(may_break_lines && matches!(c, '\n' | '\r' | '\t'));
    if text.chars().any(forbidden) {
        return Err(TextError::ControlCharacter);
    }
    let length = text.chars().count();
    if length < min {
        return Err(TextError::TooShort { min });
    }
    if length > max {
        return Err(TextError::TooLong { max });
    }
    Ok(Arc::from(text))
}

macro_rules! bounded_text {
    ($(#[$doc:meta])* $name:ident, $min:literal..=$max:literal, may_break_lines: $breaks:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
        pub struct $name(Arc<str>);

        impl $name {
            /// The least number of characters.
            pub const MIN: usize = $min;
            /// The greatest number of characters.
            pub const MAX: usize = $max;

            /// Trims surrounding white space, then checks length and characters.
            pub fn new(text: &str) -> Result<Self, TextError> {
                check(text, $min, $max, $breaks).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;

            fn try_from(text: String) -> Result<Self, TextError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

bounded_text! {
    /// What a person wants to be called.
    PersonName, 1..=100, may_break_lines: false
}
bounded_text! {
    /// What a menu item is called on the menu.
    MenuItemName, 1..=120, may_break_lines: false
}
bounded_text! {
    /// The heading a menu item stands under, such as "Pasta".
    Category, 1..=60, may_break_lines: false
}
bounded_text! {
    /// What the menu says about a menu item. May be empty.
    Description, 0..=1000, may_break_lines: true
}
bounded_text! {
    /// A request to the kitchen on an order or a line, such as "no onions".
    Note, 1..=300, may_break_lines: true
}
bounded_text! {
    /// What a client calls itself, such as a browser with its version.
    ClientName, 1..=200, may_break_lines: false
}
bounded_text! {
    /// Why somebody did something: an adjustment, a cancellation.
    Reason, 1..=300, may_break_lines: true
}

impl Reason {
    /// A reason that is written in the source, within the limits.
    pub(crate) fn of_rule(text: &'static str) -> Self {
        Self(Arc::from(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters_not_bytes() {
        assert!(Note::new(&"🍕".repeat(300)).is_ok());
        assert_eq!(Note::new(&"a".repeat(301)), Err(TextError::TooLong { max: 300 }));
    }

    #[test]
    fn refuses_nul_everywhere_and_line_breaks_where_one_line_is_meant() {
        assert_eq!(Note::new("a\0b"), Err(TextError::ControlCharacter));
        assert!(Note::new("first\nsecond").is_ok());
        assert_eq!(MenuItemName::new("first\nsecond"), Err(TextError::ControlCharacter));
    }

    #[test]
    fn blank_is_empty() {
        assert_eq!(MenuItemName::new("  \t "), Err(TextError::TooShort { min: 1 }));
        assert_eq!(Description::new("  ").map(|d| d.as_str().to_owned()), Ok(String::new()));
    }
}
