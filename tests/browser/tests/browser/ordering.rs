//! From the menu to an order that is paid.

use comanda_browser_tests::{Browser, Shop};

use crate::steps::{add, open_menu, order, orders, pay_with, sign_up, until_ready};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_with_choices_is_placed_paid_by_card_and_accepted() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    let window = browser.window().await;
    open_menu(&window, shop.base_url()).await;

    // What is missing is said where it is missing, and the focus goes there.
    window.click(&format!("#item-{} button", shop.item("Tagliata di Manzo"))).await;
    window.click("#choices [type=submit]").await;
    window.see_text("#choices fieldset .error", "Please choose at least 1 here.").await;
    assert_eq!(window.value("document.activeElement.type").await, "radio");
    window.click(&shop.option("Medium")).await;
    window.click("#choices [type=submit]").await;
    window.see_no("#choices").await;
    window.click(&format!("#item-{} button", shop.item("Pizza Margherita"))).await;
    window.fill(&shop.option("Mushrooms"), "2").await;
    window.click(&shop.option("No mozzarella")).await;
    window.fill("#choices-note", "well done, please").await;
    window.see_text("#choices-price", "€11.90").await;
    window.click("#choices [type=submit]").await;
    window.see_text("#basket-count", "2").await;
    window.see_text("#basket-total", "€36.40").await;

    order(&window).await;
    window.see("#account").await;
    sign_up(&window).await;
    window.see("#order").await;
    window.see_text("#order-status", "Received").await;
    window.see_text("#order-lines", "2 × Mushrooms, No mozzarella, (well done, please)").await;
    window.see_text("#order-total", "€36.40").await;

    // A card that is declined costs nothing but another try.
    pay_with(&window, "pm_card_chargeDeclined").await;
    window.see_text("#order-problem", "The card was declined.").await;
    pay_with(&window, "pm_card_visa").await;
    window.see_text("#order-paid", "Paid. Thank you!").await;
    window.see_text("#order-status", "Accepted").await;
    window.see_no("#order-methods").await;
    assert_eq!(orders(&shop).await, [("accepted".to_owned(), 2)]);
    let placed = shop.app.admin.get("/v1/orders?include=items").await.expect(200);
    let chosen = placed["data"][0]["items"][1]["selections"].as_array().unwrap().len();
    assert_eq!(chosen, 2, "{placed}");

    // The next one is paid at the counter, by somebody who has come back.
    window.reload().await;
    until_ready(&window).await;
    window.see_text("#order-open", "Order ").await;
    window.see_text("#basket-count", "0").await;
    add(&window, shop.item("Espresso"), 2).await;
    order(&window).await;
    window.see("#order").await;
    window.click("[data-method=counter]").await;
    window.see_text("#order-paid", "Please pay at the counter.").await;
    window.see_text("#order-status", "Accepted").await;
    let accepted = |portions| ("accepted".to_owned(), portions);
    assert_eq!(orders(&shop).await, [accepted(2), accepted(2)]);
    window.assert_no_errors().await;
    shop.app.close().await;
}
