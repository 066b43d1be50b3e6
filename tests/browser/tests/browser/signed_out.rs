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
