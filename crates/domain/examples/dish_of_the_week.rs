//! A use case of one's own, written against two ports: with an adapter of one's own, and with mocks.
//!
//! `cargo run -p comanda-domain --features mocks --example dish_of_the_week`

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::{collections::HashMap, error::Error, sync::Arc};

use async_trait::async_trait;
use chrono::TimeDelta;
use comanda_domain::{
    Currency, MenuItemId, MenuItemName, Money, PageLimit, Period, Sales, Timestamp,
    ports::{Clock, MockClock, MockSalesFigures, SalesFigures, SoldOption, TopItem, Unavailable},
};
use uuid::Uuid;

// ANCHOR: use_case
/// The board at the door: what sold best in the last seven days.
struct Board {
    figures: Arc<dyn SalesFigures>,
    clock: Arc<dyn Clock>,
}

impl Board {
    async fn dish_of_the_week(&self) -> Result<Option<MenuItemName>, Unavailable> {
        let now = self.clock.now();
        let week = Period::new(now - TimeDelta::days(7), now).map_err(Unavailable::new)?;
        let best = PageLimit::new(1).map_err(Unavailable::new)?;
        Ok(self.figures.top_items(week, best).await?.pop().map(|item| item.name))
    }
}
// ANCHOR_END: use_case

// ANCHOR: adapter
/// Sales that somebody has typed in.
struct TypedIn(Vec<TopItem>);

#[async_trait]
impl SalesFigures for TypedIn {
    async fn top_items(&self, _: Period, limit: PageLimit) -> Result<Vec<TopItem>, Unavailable> {
        let mut items = self.0.clone();
        items.sort_by_key(|item| std::cmp::Reverse((item.quantity, item.revenue.amount())));
        items.truncate(limit.get() as usize);
        Ok(items)
    }

    async fn sold_options(
        &self,
        _: Period,
        _: &[MenuItemId],
    ) -> Result<HashMap<MenuItemId, Vec<SoldOption>>, Unavailable> {
        Ok(HashMap::new())
    }

    async fn sales(&self, _: &[Period]) -> Result<Vec<Sales>, Unavailable> {
        Err(Unavailable::new("nobody has typed in when it was sold"))
    }
}
// ANCHOR_END: adapter

fn sold(name: &str, quantity: u32) -> Result<TopItem, Box<dyn Error>> {
    Ok(TopItem {
        menu_item_id: MenuItemId::new(Uuid::from_u128(u128::from(quantity))),
        name: MenuItemName::new(name)?,
        quantity: u64::from(quantity),
        revenue: Money::new(1250 * i64::from(quantity), Currency::EUR),
    })
}

// ANCHOR: mocks
async fn the_board_asks_for_seven_days_up_to_now() -> Result<(), Box<dyn Error>> {
    let carbonara = sold("Carbonara", 30)?;
    let now = Timestamp::UNIX_EPOCH + TimeDelta::days(20_000);
    let mut clock = MockClock::new();
    clock.expect_now().return_const(now);
    let mut figures = MockSalesFigures::new();
    figures
        .expect_top_items()
        .once()
        .withf(move |week, limit| week.to() == now && week.to() - week.from() == TimeDelta::days(7) && limit.get() == 1)
        .return_once(|_, _| Ok(vec![carbonara]));

    let board = Board { figures: Arc::new(figures), clock: Arc::new(clock) };

    let dish = board.dish_of_the_week().await?;
    assert_eq!(dish.as_ref().map(MenuItemName::as_str), Some("Carbonara"));
    Ok(())
}
// ANCHOR_END: mocks

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        chrono::Utc::now()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let figures = Arc::new(TypedIn(vec![sold("Carbonara", 12)?, sold("Pizza Margherita", 31)?]));
    let board = Board { figures, clock: Arc::new(SystemClock) };
    let dish = board.dish_of_the_week().await?.ok_or("nothing was sold")?;
    println!("The dish of the week: {}", dish.as_str());
    assert_eq!(dish.as_str(), "Pizza Margherita");

    the_board_asks_for_seven_days_up_to_now().await
}
