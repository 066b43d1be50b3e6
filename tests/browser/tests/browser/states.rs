//! Every state that pages can be in.

use comanda_browser_tests::{Browser, Shop};
use serde_json::json;

use crate::{
    kitchen::sign_in,
    look::Look,
    steps::{add, order, pay_with, sign_up, until_ready},
};

/// Goes through every state of the page for customers.
async fn walk(look: &Look<'_>, shop: &Shop, rare: &str) {
    let window = look.window;
    look.open(shop.base_url(), "/").await;
    until_ready(window).await;
    look.at("menu").await;

    window.click(&format!("#item-{} button", shop.item("Pizza Margherita"))).await;
    window.see("#choices").await;
    look.at("choices").await;
    window.fill(&shop.option("Mushrooms"), "9").await;
    window.click("#choices [type=submit]").await;
    window.see("#choices .error").await;
    look.at("choices-error").await;
    window.fill(&shop.option("Mushrooms"), "2").await;
    window.click(&shop.option("No mozzarella")).await;
    window.click("#choices [type=submit]").await;
    window.see_no("#choices").await;

    add(window, rare, 3).await;
    window.click("#basket-open").await;
    look.at("basket").await;
    order(window).await;
    window.see("#account").await;
    look.at("account").await;
    window.fill("#sign-up-password", "short").await;
    window.click("#sign-up [type=submit]").await;
    window.see("#sign-up .error").await;
    look.at("account-error").await;
    sign_up(window).await;
    window.see("#line-1-quantity-error").await;
    look.at("basket-refused").await;
    window.click("#basket-lines .line:nth-child(2) button").await;
    order(window).await;
    window.see("#order").await;
    look.at("order").await;
    pay_with(window, "pm_card_chargeDeclined").await;
    window.see("#order-problem").await;
    look.at("order-declined").await;
    pay_with(window, "pm_card_visa").await;
    window.see_no("#order-methods").await;
    look.at("order-paid").await;
    let id = window.value("JSON.parse(localStorage.getItem('comanda.order')).id").await;
    let path = format!("/v1/orders/{}/status", id.as_str().unwrap());
    for status in ["preparing", "ready"] {
        shop.app.admin.post(&path, &json!({ "status": status })).await.expect(200);
    }
    window.see("#order-status[data-status=ready]").await;
    look.at("order-ready").await;
    window.click("#order-again").await;
    window.click("#account-open").await;
    window.see("#account-own").await;
    look.at("account-own").await;
    window.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_keeps_customers_out_in_any_state_light_or_dark_in_either_language() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    let rare = shop.add_item("Zuppa del giorno", 2).await;
    shop.sell_out(shop.item("Caponata")).await;
    let (english, german) = tokio::join!(browser.window(), browser.window());
    let look = Look { window: &english, page: "customers", language: "en", dark: false, pictures: true };
    let other = Look { window: &german, language: "de", dark: true, pictures: false, ..look };
    tokio::join!(walk(&look, &shop, &rare), walk(&other, &shop, &rare));
    shop.app.close().await;
}

/// Goes through every state of the kitchen's board.
async fn watch(look: &Look<'_>, shop: &Shop, cook: &str) {
    look.open(shop.base_url(), "/kitchen").await;
    look.window.see("#staff").await;
    look.at("sign-in").await;
    sign_in(look.window, cook).await;
    until_ready(look.window).await;
    look.window.until("document.querySelectorAll('#open .ticket').length === 4").await;
    look.window.see("#ready .ticket").await;
    look.at("board").await;
    look.window.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_keeps_the_kitchen_out_in_any_state_light_or_dark_in_either_language() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    shop.open_stations().await;
    let (cook, guest) = (shop.appoint().await, shop.app.customer().await);
    for (item, state) in [("Pizza Diavola", "ready"), ("Espresso", "cooking")] {
        let order = shop.order(&guest, item).await;
        shop.advance_tickets(&order, state).await;
    }
    shop.order(&guest, "Tiramisù").await;
    shop.order_with_choices(&guest).await;
    let (english, german) = tokio::join!(browser.window(), browser.window());
    let look = Look { window: &english, page: "kitchen", language: "en", dark: false, pictures: true };
    let other = Look { window: &german, language: "de", dark: true, pictures: false, ..look };
    tokio::join!(watch(&look, &shop, &cook), watch(&other, &shop, &cook));
    shop.app.close().await;
}

/// Goes through the sections of the office that are open all day.
async fn look_around(look: &Look<'_>, shop: &Shop, member: &str, order: &str) {
    let window = look.window;
    look.open(shop.base_url(), "/office").await;
    sign_in(window, member).await;
    window.see(&format!("[data-key=open-{order}]")).await;
    look.at("orders").await;
    window.click(&format!("[data-key=open-{order}]")).await;
    window.see("#details .lines").await;
    look.at("order").await;
    window.click("#details .head button").await;
    window.see_no("#details").await;
    // Reports follow the orders a moment later.
    window
        .until(
            "((day) => fetch(`/v1/analytics/top-items?${new URLSearchParams({
                from: new Date(Date.now() - day).toISOString(), to: new Date(Date.now() + day).toISOString(),
            })}`).then((response) => response.json()).then(({ data }) => data.length > 2))(86400000)",
        )
        .await;
    for (section, shown) in [("menu", "#section tbody tr"), ("supplies", "#section tbody tr"), ("sales", ".plot svg")] {
        window.click(&format!("#sections [data-view={section}]")).await;
        window.see(&format!("#sections [data-view={section}][aria-current]")).await;
        window.see(shown).await;
        look.at(section).await;
    }
    window.assert_no_errors().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_keeps_the_office_out_in_any_section_light_or_dark_in_either_language() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    shop.open_stations().await;
    shop.sell_out(shop.item("Caponata")).await;
    for (name, unit, stock) in [("Pizza dough", "piece", 160), ("Mozzarella", "g", 1_500), ("Ham", "g", 0)] {
        let supply = json!({ "name": name, "unit": unit, "stock": stock, "low_stock_at": 2_000 });
        shop.app.admin.post("/v1/supplies", &supply).await.expect(201);
    }
    let (member, guest) = (shop.appoint().await, shop.app.customer().await);
    for (item, state) in [("Pizza Diavola", "ready"), ("Espresso", "cooking")] {
        let order = shop.order(&guest, item).await;
        shop.advance_tickets(&order, state).await;
    }
    let order = shop.order_with_choices(&guest).await;
    let (english, german) = tokio::join!(browser.window(), browser.window());
    let look = Look { window: &english, page: "office", language: "en", dark: false, pictures: true };
    let other = Look { window: &german, language: "de", dark: true, pictures: false, ..look };
    tokio::join!(look_around(&look, &shop, &member, &order), look_around(&other, &shop, &member, &order));
    shop.app.close().await;
}
