//! Text that people type, bounded in length and free of characters that no page and no slip can show.

use std::{fmt, sync::Arc};

use thiserror::Error;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

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
    /// Holds a character that nobody sees, or one that turns the direction of writing: two texts that look alike could
    /// differ, and a text could look like another.
    #[error("must not contain invisible characters, or ones that change the direction of writing")]
    InvisibleCharacter,
}

/// Whether a character leaves no mark of its own (Unicode's `Default_Ignorable_Code_Point`, other format characters,
/// and letters that are blank), or breaks a line, or turns the direction of writing.
pub(crate) const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A name is shown beside others: nothing in it may be invisible, but for what makes one emoji of several.
fn hides_something(name: &str) -> bool {
    let characters: Vec<char> = name.chars().collect();
    let emoji = |at: Option<usize>| at.and_then(|at| characters.get(at)).is_some_and(|c| is_emoji(*c));
    characters.iter().enumerate().any(|(at, c)| {
        let before = at.checked_sub(1);
        let joins = match c {
            '\u{fe0f}' => emoji(before),
            '\u{200d}' => emoji(before) && emoji(Some(at + 1)),
            _ => false,
        };
        is_invisible(*c) && !joins
    })
}

/// Whether it is, or belongs to, a picture that others can be joined to.
const fn is_emoji(c: char) -> bool {
    matches!(
        c,
        '\u{203c}'
            | '\u{2049}'
            | '\u{2122}'
            | '\u{2139}'
            | '\u{2190}'..='\u{21ff}'
            | '\u{2300}'..='\u{23ff}'
            | '\u{25a0}'..='\u{27bf}'
            | '\u{2900}'..='\u{297f}'
            | '\u{2b00}'..='\u{2bff}'
            | '\u{3030}'
            | '\u{303d}'
            | '\u{3297}'
            | '\u{3299}'
            | '\u{fe0f}'
            | '\u{1f000}'..='\u{1faff}'
    )
}

fn check(text: &str, min: usize, max: usize, may_break_lines: bool) -> Result<Arc<str>, TextError> {
    let composed: String = text.nfc().collect();
    let text = composed.trim();
    let forbidden = |c: char| c.is_control() && !(may_break_lines && matches!(c, '\n' | '\r' | '\t'));
    if text.chars().any(forbidden) {
        return Err(TextError::ControlCharacter);
    }
    if text.chars().any(turns_direction) || (!may_break_lines && hides_something(text)) {
        return Err(TextError::InvisibleCharacter);
    }
    let length = text.chars().count();
    let is_seen = |c: char| !c.is_whitespace() && !is_invisible(c) && !is_combining_mark(c);
    if length < min || (min > 0 && !text.chars().any(is_seen)) {
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

            /// Brings it into NFC, trims surrounding white space, then checks length and characters.
            pub fn new(text: &str) -> Result<Self, TextError> {
                check(text, $min, $max, $breaks).map(Self)
            }

            /// A text that was accepted before, whatever the rules are today.
            pub fn stored(text: &str) -> Self {
                Self(Arc::from(text))
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
    fn a_name_has_one_form_and_hides_nothing() {
        assert_eq!(PersonName::new("Jose\u{301}"), PersonName::new("Jos\u{e9}"));
        for hidden in [
            "\u{202e}anA",
            "A\u{200b}na",
            "Ana\u{2066}",
            "A\u{ad}na",
            "\u{feff}Ana",
            "A\u{200d}na",
            "A\u{fe0f}na",
            "Ana\u{e0041}",
            "A\u{2028}na",
            "\u{3164}",
            "\u{2800}\u{2800}",
            "🍕\u{200d}",
        ] {
            assert_eq!(PersonName::new(hidden), Err(TextError::InvisibleCharacter), "{hidden:?}");
            assert_eq!(PersonName::stored(hidden).as_str(), hidden, "what is stored can be read");
        }
        for seen in ["Ana 🍕", "👩\u{200d}🍳", "❤\u{fe0f}\u{200d}🔥", "محمد", "O’Neill-Šťastný"] {
            assert!(PersonName::new(seen).is_ok(), "{seen:?}");
        }
        assert_eq!(PersonName::new("\u{301}"), Err(TextError::TooShort { min: 1 }), "an accent without a letter");
    }

    #[test]
    fn longer_texts_may_join_letters_but_not_turn_the_direction() {
        assert!(Note::new("نمی\u{200c}خواهم").is_ok());
        assert_eq!(Note::new("no \u{202e}snoino"), Err(TextError::InvisibleCharacter));
        assert_eq!(Note::new("\u{200b}\u{200b}"), Err(TextError::TooShort { min: 1 }));
    }

    #[test]
    fn blank_is_empty() {
        assert_eq!(MenuItemName::new("  \t "), Err(TextError::TooShort { min: 1 }));
        assert_eq!(Description::new("  ").map(|d| d.as_str().to_owned()), Ok(String::new()));
    }
}
