//! Two hundred customers order carbonara at once, of which thirty are left.
//!
//! `cargo run -p comanda-domain --example allocate`

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::sync::Arc;

use comanda_domain::{
    Basket, BasketLine, Currency, MenuItemId, MenuItemName, Price, Quantity, Refusal, Selections, StockOnHand,
    StockedItem, allocate,
};
use uuid::Uuid;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let carbonara = MenuItemId::new(Uuid::from_u128(1));
    let stock = StockOnHand::from([(
        carbonara,
        StockedItem {
            name: MenuItemName::new("Carbonara")?,
            price: Price::parse_decimal("12.50", Currency::EUR)?,
            stock: Some(30),
            on_sale: true,
            definition: Arc::default(),
        },
    )]);
    let one = BasketLine {
        menu_item_id: carbonara,
        quantity: Quantity::new(1)?,
        selections: Selections::default(),
        note: None,
    };
    // ANCHOR: allocate
    let baskets = vec![Basket::new(vec![one])?; 200];

    let allocation = allocate(&stock, Currency::EUR, &baskets);

    let filled = allocation.decisions.iter().filter(|decision| decision.is_ok()).count();
    let short = allocation.decisions.iter().filter(|d| matches!(d, Err(Refusal::InsufficientStock(_)))).count();
    println!("{filled} orders filled, {short} refused, {} taken of 30", allocation.taken.items[&carbonara]);
    assert_eq!((filled, short, allocation.taken.items[&carbonara]), (30, 170, 30));
    // ANCHOR_END: allocate
    Ok(())
}
