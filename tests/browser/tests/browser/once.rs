//! An order is placed once, and as it was shown, whatever tabs and answers do meanwhile.

use comanda_browser_tests::{Browser, Shop, Window};
use uuid::Uuid;

use crate::steps::{add, button_of, enter, open_menu, order, orders, until_ready};

/// From now on, orders arrive and the page never hears of it.
const LOSE_ANSWERS: &str = "((real) => {
    window.fetch = async (path, ...rest) => {
        const response = await real(path, ...rest);
        if (path === '/v1/orders') throw new TypeError('the answer is lost');
        return response;
    };
})(window.fetch)";

/// From now on, the page waits for answers of this path until `release()`.
fn hold_answers(path: &str) -> String {
    format!(
        "((real, released) => {{
            window.fetch = async (path, ...rest) => {{
                const response = await real(path, ...rest);
                if (path === '{path}') await (window.isHeld = true, released);
                return response;
            }};
        }})(window.fetch, new Promise((release) => (window.release = release)))"
    )
}

/// The page does not see what the next change of the basket in another tab is, as if it were told later.
const MISS_A_CHANGE: &str = "((real, stored) => {
    Storage.prototype.getItem = (name) => stored[name] ?? null;
    addEventListener('storage', ({ key }) => {
        if (key !== 'comanda.basket') return;
        Storage.prototype.getItem = real;
        window.hasMissed = true;
    });
})(Storage.prototype.getItem, { ...localStorage })";

/// Without locks: they are there over https and on localhost only.
const NO_LOCKS: &str = "void Object.defineProperty(navigator, 'locks', { value: undefined })";

const STORED: &str = "localStorage.getItem('comanda.basket')";

async fn see_order(window: &Window, line: &str) {
    window.see("#order").await;
    window.see_text("#order-lines", line).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tab_that_knows_nothing_of_an_order_in_another_cannot_place_it_again() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    let item = shop.add_item("Zuppa del giorno", 9).await;
    let window = browser.window().await;
    enter(&window, shop.base_url()).await;
    add(&window, &item, 2).await;
    let first = window.tab().await;
    let second = window.open_tab().await;
    open_menu(&window, shop.base_url()).await;
    window.see_text("#basket-count", "2").await;
    window.value(MISS_A_CHANGE).await;

    window.switch_to(&first).await;
    window.value(LOSE_ANSWERS).await;
    order(&window).await;
    window.see_text("#basket-order", "Send again").await;
    assert_eq!(orders(&shop).await, [("pending".to_owned(), 2)], "it was placed, and nobody has been told");

    // Whatever is tried with the basket, it is still the one that was sent.
    window.switch_to(&second).await;
    window.until("window.hasMissed").await;
    window.click(&button_of(shop.item("Espresso"))).await;
    window.click("#choices [type=submit]").await;
    window.see_no("#choices").await;
    order(&window).await;
    see_order(&window, "2 × Zuppa del giorno").await;
    assert_eq!(orders(&shop).await, [("pending".to_owned(), 2)]);
    assert_eq!(shop.app.stock(item.parse::<Uuid>().unwrap()).await, 7);

    // The first one sees what has become of it.
    window.switch_to(&first).await;
    window.see_text("#basket-count", "0").await;
    window.see_text("#order-open", "Received").await;
    window.assert_no_errors().await;
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_what_was_shown_when_somebody_ordered() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    let item = shop.add_item("Zuppa del giorno", 9).await;
    let window = browser.window().await;
    enter(&window, shop.base_url()).await;
    add(&window, &item, 2).await;
    let first = window.tab().await;
    let second = window.open_tab().await;
    open_menu(&window, shop.base_url()).await;

    // While it is found out what it costs, nothing can be changed here.
    window.switch_to(&first).await;
    window.value(&hold_answers("/v1/orders/quote")).await;
    order(&window).await;
    window.until("window.isHeld").await;
    assert_eq!(window.value("document.getElementById('line-0-quantity').readOnly").await, true);
    assert_eq!(window.value("document.getElementById('basket-note').readOnly").await, true);
    window.click_anyway("#line-0-remove").await;
    window.click_anyway("#basket-order").await;
    window.see_text("#basket-count", "2").await;

    // In another tab it can. Then that is not what was ordered.
    window.switch_to(&second).await;
    add(&window, &item, 3).await;
    window.switch_to(&first).await;
    window.see_text("#basket-count", "5").await;
    window.value("release()").await;
    window.see_text("#basket-problem", "The basket was changed meanwhile").await;
    assert!(orders(&shop).await.is_empty());
    window.until("document.activeElement.id === 'basket-order'").await;
    order(&window).await;
    see_order(&window, "5 × Zuppa del giorno").await;
    assert_eq!(orders(&shop).await, [("pending".to_owned(), 5)]);
    window.assert_no_errors().await;
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_late_ends_no_order_but_its_own() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    let item = shop.add_item("Zuppa del giorno", 9).await;
    let window = browser.window().await;
    enter(&window, shop.base_url()).await;
    add(&window, &item, 2).await;
    window.value(NO_LOCKS).await;
    window.value(&hold_answers("/v1/orders")).await;
    order(&window).await;
    window.until("window.isHeld").await;
    let first = window.tab().await;
    let second = window.open_tab().await;
    open_menu(&window, shop.base_url()).await;
    window.value(NO_LOCKS).await;
    order(&window).await;
    see_order(&window, "2 × Zuppa del giorno").await;
    window.click("#order-again").await;
    add(&window, shop.item("Espresso"), 3).await;
    window.value(LOSE_ANSWERS).await;
    order(&window).await;
    window.see_text("#basket-order", "Send again").await;

    window.switch_to(&first).await;
    window.value("release()").await;
    see_order(&window, "2 × Zuppa del giorno").await;
    window.switch_to(&second).await;
    window.reload().await;
    until_ready(&window).await;
    order(&window).await;
    see_order(&window, "3 × Espresso").await;
    let pending = |portions| ("pending".to_owned(), portions);
    assert_eq!(orders(&shop).await, [pending(2), pending(3)]);
    window.assert_no_errors().await;
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_was_killed_while_it_ordered_places_no_second_order() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    let item = shop.add_item("Zuppa del giorno", 9).await;
    let window = browser.window().await;
    enter(&window, shop.base_url()).await;
    add(&window, &item, 2).await;
    // What was last written to the disk.
    let stored = window.value(STORED).await;
    let killed = async || {
        window.value(&format!("localStorage.setItem('comanda.basket', {stored})")).await;
        window.reload().await;
        until_ready(&window).await;
        window.see_text("#basket-count", "2").await;
    };
    window.value(LOSE_ANSWERS).await;
    order(&window).await;
    window.see_text("#basket-order", "Send again").await;
    killed().await;
    order(&window).await;
    see_order(&window, "2 × Zuppa del giorno").await;
    assert_eq!(orders(&shop).await, [("pending".to_owned(), 2)]);

    // Nor does it place the same with something else beside it, unless the customer knows what comes of that.
    killed().await;
    add(&window, shop.item("Espresso"), 1).await;
    order(&window).await;
    window.see_text("#basket-problem", "An order from this basket has arrived before").await;
    assert_eq!(orders(&shop).await.len(), 1);
    window.click("#basket-discard-ask").await;
    window.click("#basket-discard-yes").await;
    order(&window).await;
    see_order(&window, "1 × Espresso").await;
    assert_eq!(orders(&shop).await.len(), 2);
    window.assert_no_errors().await;
    shop.app.close().await;
}
