//! Responses that never come, and networks that are gone for a while.

use std::time::Duration;

use comanda_browser_tests::{Browser, Shop};
use comanda_tests::{FaultyProxy, Proxy, Weather};
use nix::sys::signal::{Signal, kill};
use serde_json::json;
use uuid::Uuid;

use crate::steps::{add, enter, open_menu, order, orders, until_ready};

/// How long nothing gets through: longer than a page waits before it asks again.
pub(crate) const OUTAGE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_server_was_killed_before_it_answered_is_sent_again_and_placed_once() {
    let (mut shop, browser) = (Shop::open().await, Browser::start());
    let item = shop.add_item("Zuppa del giorno", 5).await;
    let database_url = shop.app.database.server_url.clone();
    let database = Proxy::to(&database_url).await;
    let base_url = shop.open_another_at(&database.url, &[]);
    let window = browser.window().await;
    enter(&window, &base_url).await;
    add(&window, &item, 2).await;

    let victim = shop.app.servers[1].pid();
    database.at_next_order(move || kill(victim, Signal::SIGKILL).unwrap());
    order(&window).await;
    window.see_text("#basket-order", "Send again").await;
    window.see("#basket-problem").await;
    assert_eq!(orders(&shop).await, [("pending".to_owned(), 2)], "it was placed, and nobody has been told");
    // What is in an order that may have been placed cannot be changed.
    assert_eq!(window.value("document.getElementById('line-0-quantity').readOnly").await, true);

    // Another server takes its place, at the same address. Not even closing the page loses the order.
    let mut dead = shop.app.servers.pop().unwrap();
    dead.wait();
    let address = dead.address.clone();
    drop(dead);
    assert_eq!(shop.open_another_at(&database_url, &[("BIND_ADDR", &address)]), base_url);
    window.reload().await;
    until_ready(&window).await;
    order(&window).await;
    window.see("#order").await;
    window.see_text("#order-lines", "2 × Zuppa del giorno").await;
    window.see_text("#basket-count", "0").await;
    assert_eq!(orders(&shop).await, [("pending".to_owned(), 2)]);
    assert_eq!(shop.app.stock(item.parse::<Uuid>().unwrap()).await, 3);
    window.assert_no_errors().await;
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_network_was_gone_catches_up_and_orders_once() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    let item = shop.add_item("Zuppa del giorno", 5).await;
    let network = FaultyProxy::to(&format!("{}/", shop.base_url())).await;
    let window = browser.window().await;
    enter(&window, network.url.trim_end_matches('/')).await;
    add(&window, &item, 1).await;
    order(&window).await;
    window.see_text("#order-status", "Received").await;
    let id = window.value("JSON.parse(localStorage.getItem('comanda.order')).id").await;
    let path = format!("/v1/orders/{}", id.as_str().unwrap());

    network.set(Weather::Cut);
    let begun = tokio::time::Instant::now();
    for status in ["accepted", "preparing"] {
        shop.app.admin.post(&format!("{path}/status"), &json!({ "status": status })).await.expect(200);
    }
    shop.sell_out(shop.item("Caponata")).await;
    window.click("#order .close").await;
    add(&window, &item, 2).await;
    order(&window).await;
    window.see_text("#basket-problem", "We do not know yet whether the order has arrived.").await;
    tokio::time::sleep_until(begun + OUTAGE).await;
    window.see_text("#order-status", "Received").await;
    assert_eq!(orders(&shop).await.len(), 1);

    network.set(Weather::Fair);
    window.see_text("#order-status", "Being prepared").await;
    window.see_text(&format!("#item-{} .availability", shop.item("Caponata")), "Sold out").await;
    window.click("#basket-order").await;
    window.see_text("#order-lines", "2 × Zuppa del giorno").await;
    assert_eq!(orders(&shop).await, [("preparing".to_owned(), 1), ("pending".to_owned(), 2)]);
    window.assert_no_errors().await;
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_the_menu_can_be_read() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    let window = browser.window().await;
    window.set_scripts(false).await;
    window.open(&format!("{}/?lang=en", shop.base_url())).await;
    let item = format!("#item-{}", shop.item("Pizza Margherita"));
    for words in ["Pizza Margherita", "Tomato, mozzarella, basil", "€9.50"] {
        window.see_text(&item, words).await;
    }
    window.see_text("noscript", "To order here, please switch JavaScript on.").await;
    // Nothing is offered that would do nothing.
    window.see_no(&format!("{item} button")).await;
    window.see_no("#basket-open").await;
    window.assert_fits("without scripts").await;
    window.set_scripts(true).await;
    open_menu(&window, shop.base_url()).await;
    window.see(&format!("{item} button")).await;
    shop.app.close().await;
}
