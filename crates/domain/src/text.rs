//! Text that people type, bounded in length and free of characters that no page and no slip can show.

use std::{fmt, sync::Arc};

use precis_profiles::precis_core::{DerivedPropertyValue, FreeformClass, StringClass};
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
    /// Holds a character that nobody sees, one that turns the direction of writing, or one that has no meaning outside
    /// one's own device: two texts that look alike could differ, and a text could look like another.
    #[error("must not contain invisible or private characters, or ones that change the direction of writing")]
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
            | '\u{1d159}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A name is shown beside others: nothing in it may be invisible, but for what makes one emoji of several characters
/// and what shapes the letters of some scripts. What PRECIS (RFC 8264) allows in no text is refused as well, such as
/// characters for private use.
fn hides_something(name: &str) -> bool {
    let characters: Vec<char> = name.chars().collect();
    let class = FreeformClass::default();
    characters.iter().enumerate().any(|(at, c)| {
        let is_refused = is_invisible(*c) || matches!(class.get_value_from_char(*c), DerivedPropertyValue::Disallowed);
        is_refused && !joins_emoji(&characters, at) && !shapes_letters(&characters, at)
    })
}

/// Whether the character at this place belongs to an emoji of several (UTS #51).
fn joins_emoji(characters: &[char], at: usize) -> bool {
    let character = |at: Option<usize>| at.and_then(|at| characters.get(at)).copied();
    let (before, after) = (character(at.checked_sub(1)), character(Some(at + 1)));
    match characters[at] {
        // Digits, for instance, become keycaps.
        '\u{fe0f}' => before.is_some_and(is_emoji) || (after == Some('\u{20e3}') && before.is_some_and(is_key)),
        '\u{fe0e}' => before.is_some_and(is_emoji),
        '\u{200d}' => before.is_some_and(is_emoji) && after.is_some_and(is_emoji),
        // Flags of parts of countries: a black flag, tags, and the end of the tags.
        '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}' | '\u{e007f}' => {
            let tags = characters[..at].iter().rev().take_while(|c| matches!(c, '\u{e0030}'..='\u{e007a}')).count();
            let ends = characters[at..].iter().find(|c| !matches!(c, '\u{e0030}'..='\u{e007a}')) == Some(&'\u{e007f}');
            ends && tags <= 6 && character((at - tags).checked_sub(1)) == Some('\u{1f3f4}')
        }
        _ => false,
    }
}

const fn is_key(c: char) -> bool {
    matches!(c, '0'..='9' | '#' | '*')
}

/// Whether the character at this place is one that Persian, Arabic and Indic words need within them, where they need it
/// (RFC 5892, appendix A), or chooses between forms of the Chinese character before it.
fn shapes_letters(characters: &[char], at: usize) -> bool {
    let is_of_word = |c: &char| c.is_alphabetic() || is_combining_mark(*c) || matches!(c, '\u{200c}' | '\u{200d}');
    match characters[at] {
        '\u{200c}' | '\u{200d}' => {
            let begin = characters[..at].iter().rev().take_while(|c| is_of_word(c)).count();
            let end = characters[at..].iter().take_while(|c| is_of_word(c)).count();
            let word: String = characters[at - begin..at + end].iter().collect();
            FreeformClass::default().allows(word.as_str()).is_ok()
        }
        // Stretches an Arabic word.
        '\u{640}' => at.checked_sub(1).is_some_and(|before| matches!(characters[before], '\u{620}'..='\u{6ff}')),
        '\u{fe00}'..='\u{fe02}' | '\u{e0100}'..='\u{e01ef}' => {
            let before = at.checked_sub(1).and_then(|before| characters.get(before));
            before.is_some_and(
                |c| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'),
            )
        }
        _ => false,
    }
}

/// Whether it is, or belongs to, a picture that others can be joined to.
const fn is_emoji(c: char) -> bool {
    matches!(
        c,
        '\u{a9}'
            | '\u{ae}'
            | '\u{203c}'
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
    let length = text.chars().count();
    // Before anything whose cost grows faster than the text.
    if length > max {
        return Err(TextError::TooLong { max });
    }
    if text.chars().any(turns_direction) || (!may_break_lines && hides_something(text)) {
        return Err(TextError::InvisibleCharacter);
    }
    let is_seen = |c: char| !c.is_whitespace() && !is_invisible(c) && !is_combining_mark(c);
    if length < min || (min > 0 && !text.chars().any(is_seen)) {
        return Err(TextError::TooShort { min });
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
    /// What a supply is called in the kitchen.
    SupplyName, 1..=120, may_break_lines: false
}
bounded_text! {
    /// What a station of the kitchen is called, such as "Grill".
    StationName, 1..=60, may_break_lines: false
}
bounded_text! {
    /// What an option group asks for, such as "Size" or "Extra toppings".
    OptionGroupName, 1..=120, may_break_lines: false
}
bounded_text! {
    /// What an option is called, such as "Guacamole" or "no cheese".
    OptionName, 1..=120, may_break_lines: false
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_characters_not_bytes() {
        assert!(Note::new(&"🍕".repeat(300)).is_ok());
        assert_eq!(Note::new(&"a".repeat(301)), Err(TextError::TooLong { max: 300 }));
    }

    #[test]
    fn a_text_that_is_much_too_long_costs_little() {
        let joiners = "\u{915}\u{94d}\u{200d}".repeat(7_000);
        assert_eq!(PersonName::new(&joiners), Err(TextError::TooLong { max: PersonName::MAX }));
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
        // Default-ignorable characters, other formats, separators, blank letters, and what is private or nothing.
        let characters = "\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}\u{180e}\u{200b}\u{200c}\
            \u{200d}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2060}\u{2061}\u{2062}\u{2063}\u{2064}\
            \u{2065}\u{2066}\u{2067}\u{2068}\u{2069}\u{206a}\u{206f}\u{2800}\u{3164}\u{fe00}\u{fe0f}\u{feff}\u{ffa0}\
            \u{fff0}\u{fff9}\u{fffb}\u{13430}\u{1bca0}\u{1d173}\u{e0001}\u{e0020}\u{e0041}\u{e007f}\u{e0100}\u{e0fff}\
            \u{2028}\u{2029}\u{e000}\u{f8ff}\u{10fffd}";
        for hidden in characters.chars() {
            for text in [format!("A{hidden}na"), format!("{hidden}\u{3164}Ana"), format!("\u{3164}{hidden}")] {
                assert_eq!(PersonName::new(&text), Err(TextError::InvisibleCharacter), "{text:?}");
                assert_eq!(MenuItemName::new(&text), Err(TextError::InvisibleCharacter), "{text:?}");
                assert_eq!(Category::new(&text), Err(TextError::InvisibleCharacter), "{text:?}");
                assert_eq!(PersonName::stored(&text).as_str(), text, "what is stored can be read");
            }
        }
        for text in
            ["\u{3164}", "\u{2800}\u{2800}", "🍕\u{200d}", "1\u{fe0f}", "🏴\u{e0067}\u{e0062}", "Ana \u{200d}Ben"]
        {
            assert_eq!(PersonName::new(text), Err(TextError::InvisibleCharacter), "{text:?}");
        }
        for text in ["Ana\u{85}Ben", "Ana\nBen", "Ana\u{7f}"] {
            assert_eq!(PersonName::new(text), Err(TextError::ControlCharacter), "{text:?}");
        }
        assert_eq!(PersonName::new("\u{301}"), Err(TextError::TooShort { min: 1 }), "an accent without a letter");
    }

    #[test]
    fn names_of_all_people_and_dishes_are_accepted_as_they_are() {
        for seen in [
            "O’Neill-Šťastný",
            "محمد صلاح",
            "علی\u{200c}رضا",
            "شـاورما",
            "דוד בן־גוריון",
            "צ׳ולנט",
            "राम शर्मा",
            "क्\u{200d}ष",
            "क्\u{200c}ष",
            "ශ්\u{200d}රී",
            "山田　太郎",
            "葛\u{e0100}城",
            "阿卜杜·热合曼",
            "Nguyễn Văn Đức",
            "김철수",
            "Ana 🍕",
            "👩\u{200d}🍳",
            "❤\u{fe0f}\u{200d}🔥",
            "👨\u{200d}👩\u{200d}👧\u{200d}👦",
            "👍🏽",
            "🏳\u{fe0f}\u{200d}🌈",
            "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
            "1\u{fe0f}\u{20e3}",
            "🇺🇦",
            "🫨",
            "☕\u{fe0e}",
            "Soup · small",
            "½ chicken №5 ™",
        ] {
            for read in [PersonName::new(seen).map(String::from), MenuItemName::new(seen).map(String::from)] {
                assert_eq!(read.as_deref(), Ok(seen));
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_accepted_again_unchanged(text in prop_oneof!["\\PC{0,130}", any::<String>()]) {
            macro_rules! assert_stable {
                ($($name:ident),+) => {$(
                    if let Ok(accepted) = $name::new(&text) {
                        prop_assert_eq!($name::new(accepted.as_str()), Ok(accepted));
                    }
                )+};
            }
            assert_stable!(PersonName, MenuItemName, Category, Description, Note, ClientName, Reason);
        }
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
