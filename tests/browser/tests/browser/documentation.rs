//! The page to read about the API and to try it.

use comanda_browser_tests::{Browser, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_an_operation_of_the_api_opens_it_also_after_a_reload() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    let window = browser.window().await;
    window.open(&format!("{}/docs/#/orders/place_order", shop.base_url())).await;
    let operation = "#operations-orders-place_order";
    window.see(&format!("{operation}.is-open")).await;
    window.reload().await;
    window.see(&format!("{operation}.is-open")).await;
    window.see_text(operation, "/v1/orders").await;
    let open = window.value("document.querySelectorAll('.opblock.is-open').length").await;
    assert_eq!(open, 1, "no other one");
    window.assert_no_errors().await;
    shop.app.close().await;
}
