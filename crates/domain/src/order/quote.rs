//! What a basket would cost, and what would be short.

use thiserror::Error;

use super::allocate::{known, price};
use crate::{
    Basket, Currency, Money, MoneyError, OrderLine, SelectionFault, Shortages, StockOnHand, Taken, order::shelf::Demand,
};

/// What an order of a basket would be at this moment. Nothing is taken, and nothing guaranteed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The lines, as an order would have them.
    pub lines: Vec<OrderLine>,
    /// Their sum.
    pub total: Money,
    /// Everything there is not enough of.
    pub shortages: Shortages,
}

/// Why there is no quote: nobody could order this, however much there was.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum QuoteRefused {
    /// Lines (counted from 0) that name a menu item which does not exist or is not on sale.
    #[error("the basket names menu items that are not on the menu")]
    UnknownItems(Vec<usize>),
    /// Everything that is chosen, or not chosen, although the menu items do not offer it so.
    #[error("the basket chooses what its menu items do not offer so")]
    InvalidSelections(Vec<SelectionFault>),
    /// The total cannot be represented.
    #[error(transparent)]
    Total(#[from] MoneyError),
}

/// Quotes a basket, with what there is of it.
///
/// # Errors
///
/// There is no such order.
pub fn quote(stock: &StockOnHand, currency: Currency, basket: &Basket) -> Result<Quote, QuoteRefused> {
    let lines = known(stock, basket.lines())?;
    let shortages = Demand::of(&lines).shortages(stock, &Taken::default());
    let filled = price(currency, lines)?;
    Ok(Quote { lines: filled.lines, total: filled.total, shortages })
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc};

    use uuid::Uuid;

    use super::*;
    use crate::{BasketLine, MenuItemDefinition, MenuItemId, MenuItemName, Price, Quantity, Selections, StockedItem};

    #[test]
    fn a_quote_says_what_is_short_and_what_it_would_cost_all_the_same() {
        let id = MenuItemId::new(Uuid::from_u128(1));
        let item = StockedItem {
            name: MenuItemName::new("Soup").expect("a name"),
            price: Price::new(450, Currency::EUR).expect("a price"),
            stock: Some(1),
            on_sale: true,
            definition: Arc::new(MenuItemDefinition::default()),
        };
        let stock = StockOnHand { items: HashMap::from([(id, item)]), supplies: HashMap::new() };
        let basket = |menu_item_id| {
            let quantity = Quantity::new(2).expect("in range");
            let line = BasketLine { menu_item_id, quantity, selections: Selections::default(), note: None };
            Basket::new(vec![line]).expect("a line")
        };
        let quoted = quote(&stock, Currency::EUR, &basket(id)).expect("it is on the menu");
        assert_eq!((quoted.lines.len(), quoted.total.amount()), (1, 900));
        let short = &quoted.shortages.items[0];
        assert_eq!((quoted.shortages.items.len(), short.requested, short.available), (1, 2, 1));
        let unknown = basket(MenuItemId::new(Uuid::nil()));
        assert_eq!(quote(&stock, Currency::EUR, &unknown), Err(QuoteRefused::UnknownItems(vec![0])));
    }
}
