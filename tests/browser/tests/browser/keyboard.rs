//! The keyboard alone.

use comanda_browser_tests::{Browser, Shop};
use comanda_tests::PASSWORD;
use thirtyfour::Key;
use uuid::Uuid;

use crate::steps::{add, button_of, open_menu, orders, sign_up};

#[tokio::test(flavor = "multi_thread")]
async fn keys_alone_place_an_order() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    let window = browser.window().await;
    open_menu(&window, shop.base_url()).await;

    // Past everything that is above the menu.
    window.tab_to(".skip").await;
    window.press(Key::Enter).await;
    window.until("document.activeElement.id === 'menu'").await;
    window.tab_to(&button_of(shop.item("Tagliata di Manzo"))).await;
    window.press(Key::Enter).await;
    window.see("#choices").await;
    // The first of the radio buttons has the focus of its group; arrows choose.
    window.tab_to("#choices [type=radio]").await;
    window.press(Key::Space).await;
    window.press(Key::Down).await;
    window.until(&format!("document.querySelector('{}').checked", shop.option("Medium"))).await;
    window.tab_to("#choices-quantity").await;
    window.press(Key::Up).await;
    window.press(Key::Enter).await;
    window.see_no("#choices").await;
    assert_eq!(
        window.value("document.activeElement.dataset.item").await,
        shop.item("Tagliata di Manzo"),
        "back where one came from"
    );

    window.tab_to("#basket-open").await;
    window.press(Key::Enter).await;
    window.tab_to("#basket-order").await;
    window.press(Key::Enter).await;
    window.see("#account").await;
    let email = format!("{}@example.org", Uuid::now_v7().simple());
    for (field, text) in [("name", "Ana"), ("email", &email), ("password", PASSWORD)] {
        window.tab_to(&format!("#sign-up-{field}")).await;
        window.press(text).await;
    }
    window.press(Key::Enter).await;
    window.see("#order").await;
    window.see_text("#order-lines", "2 × Tagliata di Manzo").await;
    window.see_text("#order-lines", "Medium").await;
    window.tab_to("[data-method=counter]").await;
    window.press(Key::Space).await;
    window.see_text("#order-paid", "Please pay at the counter.").await;
    window.press(Key::Escape).await;
    window.see_no("#order").await;
    window.tab_to("#order-open").await;
    window.press(Key::Enter).await;
    window.see("#order").await;
    assert_eq!(orders(&shop).await, [("accepted".to_owned(), 2)]);
    window.assert_no_errors().await;
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_focus_stays_where_it_was_when_something_is_refused() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    let window = browser.window().await;
    let focused = async |id: &str| {
        window.until(&format!("document.activeElement.id === '{id}'")).await;
    };
    open_menu(&window, shop.base_url()).await;
    window.click("#account-open").await;
    for (field, text) in [("email", "nobody@example.org"), ("password", PASSWORD)] {
        window.fill(&format!("#sign-in-{field}"), text).await;
    }
    window.tab_to("#sign-in [type=submit]").await;
    window.press(Key::Enter).await;
    window.see_text("#sign-in .problem", "wrong").await;
    window.until("document.activeElement.matches('#sign-in [type=submit]')").await;
    sign_up(&window).await;
    window.see_no("#account").await;
    add(&window, shop.item("Espresso"), 2).await;
    window.click("#basket-open").await;

    // What is no quantity orders nothing, not even what it was before.
    window.fill("#line-0-quantity", "0").await;
    window.press(Key::Enter).await;
    window.see_text("#line-0-quantity-error", "Please enter a number from 1 to 100.").await;
    focused("line-0-quantity").await;
    window.tab_to("#basket-order").await;
    window.press(Key::Enter).await;
    focused("line-0-quantity").await;
    assert_eq!(window.value("document.activeElement.value").await, "0");
    assert!(orders(&shop).await.is_empty());
    window.fill("#line-0-quantity", "3").await;
    window.press(Key::Tab).await;
    window.see_no("#line-0-quantity-error").await;
    window.see_text("#basket-count", "3").await;

    // Nobody answers.
    window
        .value("(() => { window.answers = window.fetch; window.fetch = () => Promise.reject(TypeError()); })()")
        .await;
    window.tab_to("#basket-order").await;
    window.press(Key::Enter).await;
    window.see_text("#basket-order", "Send again").await;
    focused("basket-order").await;
    window.tab_to("#basket-discard-ask").await;
    window.press(Key::Enter).await;
    window.tab_to("#basket-discard-no").await;
    window.press(Key::Enter).await;
    window.see("#basket-discard-ask").await;
    focused("basket-order").await;
    window.value("(() => { window.fetch = window.answers; })()").await;
    window.press(Key::Enter).await;
    window.see_text("#order-lines", "3 × Espresso").await;
    assert_eq!(orders(&shop).await, [("pending".to_owned(), 3)]);
    window.assert_no_errors().await;
    shop.app.close().await;
}
