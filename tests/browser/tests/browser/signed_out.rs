//! Sessions that end while a page is open.

use comanda_browser_tests::{Browser, Shop};
use comanda_tests::{Client, PASSWORD};
use reqwest::Method;

use crate::steps::{add, enter, order, orders};

#[tokio::test(flavor = "multi_thread")]
async fn who_was_signed_out_elsewhere_signs_in_again_and_the_order_is_placed_once() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    let window = browser.window().await;
    let email = enter(&window, shop.base_url()).await;
    add(&window, shop.item("Espresso"), 3).await;
    let elsewhere = shop.app.anonymous().log_in(&email, PASSWORD).await;
    let ended = Client::send(elsewhere.request(Method::DELETE, "/v1/me/sessions")).await;
    assert_eq!(ended.status, 204);

    order(&window).await;
    window.see("#account").await;
    window.see_no("#account-own").await;
    window.fill("#sign-in-email", &email).await;
    window.fill("#sign-in-password", PASSWORD).await;
    window.click("#sign-in [type=submit]").await;
    window.see("#order").await;
    window.see_text("#order-lines", "3 × Espresso").await;
    assert_eq!(orders(&shop).await, [("pending".to_owned(), 3)]);
    window.assert_no_errors().await;
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_shown_to_nobody_after_its_customer_was_signed_out_elsewhere() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    let window = browser.window().await;
    let email = enter(&window, shop.base_url()).await;
    add(&window, shop.item("Espresso"), 3).await;
    order(&window).await;
    window.see_text("#order-lines", "3 × Espresso").await;
    let number = window.text("#order-title").await;
    let elsewhere = shop.app.anonymous().log_in(&email, PASSWORD).await;
    let ended = Client::send(elsewhere.request(Method::DELETE, "/v1/me/sessions")).await;
    assert_eq!(ended.status, 204);

    window.see("#order-signed-out").await;
    window.see_no("#order-shown").await;
    assert_eq!(window.value("document.getElementById('order-lines').childElementCount").await, 0);
    assert!(!window.text("#order").await.contains(&number));
    window.until("document.activeElement.id === 'order-sign-in'").await;
    // Closed, it is still said why there is no order.
    window.click("#order .close").await;
    window.see_text("#order-open", "You are signed out.").await;
    window.click("#account-open").await;
    window.see_no("#account-own").await;
    window.click("#account .close").await;

    window.click("#order-open").await;
    window.click("#order-sign-in").await;
    window.fill("#sign-in-email", &email).await;
    window.fill("#sign-in-password", PASSWORD).await;
    window.click("#sign-in [type=submit]").await;
    window.see_text("#order-lines", "3 × Espresso").await;
    window.see_text("#order-title", &number).await;
    window.see_no("#order-signed-out").await;
    window.until("document.activeElement.id === 'order-title'").await;
    window.assert_no_errors().await;
    shop.app.close().await;
}
