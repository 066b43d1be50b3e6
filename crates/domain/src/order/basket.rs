//! What a customer wants to order, before the stock is checked.

use thiserror::Error;

use crate::{MenuItemId, Note, Quantity, Selections};

/// One line of a basket. The same menu item may stand on several lines, with a note and selections of its own on each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasketLine {
    /// The menu item.
    pub menu_item_id: MenuItemId,
    /// The quantity of this line.
    pub quantity: Quantity,
    /// What is chosen with each of them.
    pub selections: Selections,
    /// A request to the kitchen.
    pub note: Option<Note>,
}

/// The number of lines is not between [`Basket::MIN_LINES`] and [`Basket::MAX_LINES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an order has {} to {} lines", Basket::MIN_LINES, Basket::MAX_LINES)]
pub struct BasketSizeOutOfRange;

/// 1 to 50 lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basket(Vec<BasketLine>);

impl Basket {
    /// The least number of lines.
    pub const MIN_LINES: usize = 1;
    /// The greatest number of lines.
    pub const MAX_LINES: usize = 50;

    /// Checks the number of lines.
    pub fn new(lines: Vec<BasketLine>) -> Result<Self, BasketSizeOutOfRange> {
        if (Self::MIN_LINES..=Self::MAX_LINES).contains(&lines.len()) {
            Ok(Self(lines))
        } else {
            Err(BasketSizeOutOfRange)
        }
    }

    /// The quantity of all lines together.
    pub fn quantity(&self) -> u32 {
        // Fifty lines of a hundred each: far from overflowing.
        self.0.iter().map(|line| line.quantity.get()).sum()
    }

    /// The lines as the customer wrote them.
    pub fn lines(&self) -> &[BasketLine] {
        &self.0
    }
}
