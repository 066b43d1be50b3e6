//! The short number called out at the counter.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// The running count of orders, which is shown as a [`CalledNumber`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrderNumber(u64);

impl OrderNumber {
    /// From the running count of orders.
    pub const fn new(count: u64) -> Self {
        Self(count)
    }

    /// The number as it is called out.
    pub const fn called(self) -> CalledNumber {
        CalledNumber(self.0 % CalledNumber::ROUND)
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.called().fmt(f)
    }
}

/// A letter and three digits, such as `K417`, counted on from order to order. It starts again after
/// [`CalledNumber::ROUND`] orders: long after the customers of the first round have eaten, and short enough to be heard
/// over a kitchen. So several orders may have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CalledNumber(u64);

/// The text is not a letter and three digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be a letter, but neither I nor O, and three digits, such as K417")]
pub struct MalformedOrderNumber;

impl CalledNumber {
    /// The count of orders after which numbers start again.
    pub const ROUND: u64 = 24_000;

    /// Letters that cannot be taken for a digit when written by hand: no I, no O.
    const LETTERS: &'static [u8; 24] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";

    /// The position in the round, from 0: the running count of each order that has this number, divided by
    /// [`CalledNumber::ROUND`], leaves this.
    pub const fn position(self) -> u64 {
        self.0
    }
}

impl fmt::Display for CalledNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = usize::try_from(self.0 / 1000).ok().and_then(|index| Self::LETTERS.get(index)).unwrap_or(&b'A');
        write!(f, "{}{:03}", char::from(*letter), self.0 % 1000)
    }
}

impl FromStr for CalledNumber {
    type Err = MalformedOrderNumber;

    /// Reads the letter in either case.
    fn from_str(text: &str) -> Result<Self, MalformedOrderNumber> {
        let [letter, digits @ ..] = text.as_bytes() else { return Err(MalformedOrderNumber) };
        let thousands = (0..).zip(Self::LETTERS).find(|(_, known)| **known == letter.to_ascii_uppercase());
        let (thousands, _) = thousands.ok_or(MalformedOrderNumber)?;
        if digits.len() != 3 || !digits.iter().all(u8::is_ascii_digit) {
            return Err(MalformedOrderNumber);
        }
        let rest = digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
        Ok(Self(thousands * 1000 + rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_on_and_starts_again() {
        let shown = [0, 999, 1000, 8000, 23_999, 24_000].map(|n| OrderNumber::new(n).to_string());
        assert_eq!(shown, ["A000", "A999", "B000", "J000", "Z999", "A000"]);
    }

    #[test]
    fn what_is_called_out_is_read() {
        for count in (0..CalledNumber::ROUND).chain([24_000, 1_000_417]) {
            let called = OrderNumber::new(count).called();
            assert_eq!(called.to_string().parse(), Ok(called));
            assert_eq!(called.to_string().to_lowercase().parse(), Ok(called));
            assert_eq!(called.position(), count % CalledNumber::ROUND);
        }
        for odd in ["", "K", "K41", "K4170", "I417", "O417", "4170", "K 17", "K+17", "#417", "K417 ", "Ä417", "K٤١٧"]
        {
            assert_eq!(odd.parse::<CalledNumber>(), Err(MalformedOrderNumber), "{odd}");
        }
    }
}
