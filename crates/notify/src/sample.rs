//! What the tests of mails and of events show.

use std::collections::BTreeMap;

use comanda_domain::{
    Currency, MenuItemId, MenuItemName, Money, Note, OptionGroupName, OptionId, OptionName, OrderLine, Quantity,
    SelectedOption,
};
use uuid::Uuid;

/// A line with choices, and one without.
pub(crate) fn lines() -> Vec<OrderLine> {
    let selected = |(id, group, name, quantity, amount)| SelectedOption {
        option_id: OptionId::new(Uuid::from_u128(id)),
        group: OptionGroupName::new(group).unwrap(),
        name: OptionName::new(name).unwrap(),
        quantity: Quantity::new(quantity).unwrap(),
        unit_price: Money::new(amount, Currency::EUR),
    };
    let line = |(id, name, quantity, amount, selections): (u128, &str, i64, i64, Vec<SelectedOption>)| {
        let (unit_price, quantity) = (Money::new(amount, Currency::EUR), Quantity::new(quantity).unwrap());
        OrderLine {
            menu_item_id: MenuItemId::new(Uuid::from_u128(id)),
            name: MenuItemName::new(name).unwrap(),
            unit_price,
            quantity,
            line_total: OrderLine::total(unit_price, &selections, quantity).unwrap(),
            selections,
            note: Some(Note::new("for Ana").unwrap()),
            taken: BTreeMap::new(),
        }
    };
    let chosen = [(5, "Size", "Large", 1, 300), (6, "Extras", "Guacamole", 2, 250)].map(selected).to_vec();
    [(7, "Burrito", 2, 900, chosen), (8, "Fish & chips", 1, 1100, Vec::new())].map(line).to_vec()
}
