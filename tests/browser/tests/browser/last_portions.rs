//! What is nearly gone, seen by two at once.

use comanda_browser_tests::{Browser, Shop, Window};
use uuid::Uuid;

use crate::steps::{add, button_of, enter, order, orders};

/// Whether an order was placed, as soon as that is known.
async fn has_ordered(window: &Window) -> bool {
    window.until("document.getElementById('order').open || !document.getElementById('basket-problem').hidden").await;
    window.value("document.getElementById('order').open").await == true
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_want_the_last_portions_one_gets_them_and_the_other_is_told_what_is_left() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    let item = shop.add_item("Zuppa del giorno", 3).await;
    let (first, second, third) = tokio::join!(browser.window(), browser.window(), browser.window());
    tokio::join!(enter(&first, shop.base_url()), enter(&second, shop.base_url()), enter(&third, shop.base_url()));
    tokio::join!(add(&first, &item, 2), add(&second, &item, 2));
    tokio::join!(order(&first), order(&second));
    let (of_first, of_second) = tokio::join!(has_ordered(&first), has_ordered(&second));
    assert_ne!(of_first, of_second, "one of them");
    let loser = if of_first { &second } else { &first };

    // The basket is as it was. What is wrong stands at its line, and there the focus is.
    loser.see_text("#basket-problem", "There is less left than you ordered.").await;
    loser.see_text("#line-0-quantity-error", "Only 1 left.").await;
    loser.until("document.activeElement.id === 'line-0-quantity'").await;
    assert_eq!(loser.value("document.activeElement.value").await, "2");
    loser.fill("#line-0-quantity", "1").await;
    loser.press(thirtyfour::Key::Tab).await;
    loser.see_text("#basket-sum", "€9.90").await;
    order(loser).await;
    assert!(has_ordered(loser).await);
    assert_eq!(shop.app.stock(item.parse::<Uuid>().unwrap()).await, 0);
    let mut portions: Vec<i64> = orders(&shop).await.into_iter().map(|(_, portions)| portions).collect();
    portions.sort_unstable();
    assert_eq!(portions, [1, 2]);

    // Somebody who only looks sees it, too, without doing anything.
    third.see_text(&format!("#item-{item} .availability"), "Sold out").await;
    assert_eq!(third.value(&format!("document.querySelector('{}').disabled", button_of(&item))).await, true);
    for window in [&first, &second, &third] {
        window.assert_no_errors().await;
    }
    shop.app.close().await;
}
