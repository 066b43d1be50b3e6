//! What customers do on the page, over and over.

use comanda_browser_tests::{Shop, Window};
use comanda_tests::PASSWORD;
use uuid::Uuid;

/// Opens the menu, and waits until one can order.
pub(crate) async fn open_menu(window: &Window, base_url: &str) {
    window.open(&format!("{base_url}/?lang=en")).await;
    until_ready(window).await;
}

pub(crate) async fn until_ready(window: &Window) {
    window.until("document.documentElement.classList.contains('ready')").await;
}

/// The button that adds a menu item.
pub(crate) fn button_of(item: &str) -> String {
    format!("#item-{item} button")
}

/// Puts one of a menu item that has no choices, or as many, into the basket.
pub(crate) async fn add(window: &Window, item: &str, quantity: u32) {
    window.click(&button_of(item)).await;
    window.see("#choices").await;
    window.fill("#choices-quantity", &quantity.to_string()).await;
    window.click("#choices [type=submit]").await;
    window.see_no("#choices").await;
}

/// Fills in the form for new customers; returns the address.
pub(crate) async fn sign_up(window: &Window) -> String {
    let email = format!("{}@example.org", Uuid::now_v7().simple());
    for (field, text) in [("name", "Ana"), ("email", &email), ("password", PASSWORD)] {
        window.fill(&format!("#sign-up-{field}"), text).await;
    }
    window.click("#sign-up [type=submit]").await;
    email
}

/// Opens the menu as a new customer who has signed in.
pub(crate) async fn enter(window: &Window, base_url: &str) -> String {
    open_menu(window, base_url).await;
    window.click("#account-open").await;
    let email = sign_up(window).await;
    window.see_no("#account").await;
    email
}

/// Orders what is in the basket, and waits until it is said what became of it.
pub(crate) async fn order(window: &Window) {
    if window.value("document.getElementById('basket').open").await == false {
        window.click("#basket-open").await;
    }
    window.click("#basket-order").await;
}

/// Pays with a card of those that are there to try. They may be open still, from the attempt before.
pub(crate) async fn pay_with(window: &Window, card: &str) {
    if window.value("document.getElementById('order-cards').hidden").await == true {
        window.click("#order-card").await;
    }
    window.click(&format!("[data-card={card}]")).await;
}

/// The status of every order, the oldest first, and how many portions of which menu items are in it.
pub(crate) async fn orders(shop: &Shop) -> Vec<(String, i64)> {
    let sql = "SELECT status::text, (SELECT sum(quantity) FROM order_lines WHERE order_id = orders.id)::bigint \
               FROM orders ORDER BY id";
    let rows = shop.app.database.client().await.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}
