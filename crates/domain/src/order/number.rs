//! The short number called out at the counter.

use std::fmt;

/// A letter and three digits, such as `K417`, counted on from order to order. It starts again after 24,000 orders:
/// long after the customers of the first round have eaten, and short enough to be heard over a kitchen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrderNumber(u64);

impl OrderNumber {
    /// Letters that cannot be taken for a digit when written by hand: no I, no O.
    const LETTERS: &'static [u8; 24] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";

    /// From the running count of orders.
    pub const fn new(count: u64) -> Self {
        Self(count)
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let round = self.0 % 24_000;
        let letter =
            Self::LETTERS.iter().cycle().nth(usize::try_from(round / 1000).unwrap_or(0)).copied().unwrap_or(b'A');
        write!(f, "{}{:03}", char::from(letter), round % 1000)
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
}
