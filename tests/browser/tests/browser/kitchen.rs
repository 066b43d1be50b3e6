//! The kitchen's board, beside the windows of customers.

use std::time::{Duration, Instant};

use comanda_browser_tests::{Browser, Shop, Window};
use comanda_tests::{Client, FaultyProxy, PASSWORD, Weather};
use reqwest::Method;
use thirtyfour::Key;

use crate::{
    lost::OUTAGE,
    steps::{button_of, enter, order, until_ready},
};

/// How soon the kitchen sees an order: the promise to newcomers.
const SOON: Duration = Duration::from_secs(1);

/// Signs somebody of the staff in on the board.
async fn open_board(window: &Window, base_url: &str, email: &str) {
    window.open(&format!("{base_url}/kitchen?lang=en")).await;
    sign_in(window, email).await;
    until_ready(window).await;
}

pub(crate) async fn sign_in(window: &Window, email: &str) {
    window.see("#staff").await;
    window.fill("#staff-email", email).await;
    window.fill("#staff-password", PASSWORD).await;
    window.click("#staff-sign-in [type=submit]").await;
    window.see_no("#staff").await;
}

/// The numbers of the tickets on the board, sorted.
async fn numbers(window: &Window) -> Vec<String> {
    let numbers = window.value("[...document.querySelectorAll('.ticket h3')].map((h3) => h3.innerText).sort()").await;
    numbers.as_array().unwrap().iter().map(|number| number.as_str().unwrap().to_owned()).collect()
}

/// The same as the API tells of them.
async fn numbers_of_tickets(shop: &Shop) -> Vec<String> {
    let tickets = shop.app.admin.get("/v1/kitchen/tickets?limit=100").await.expect(200);
    let numbers =
        tickets["data"].as_array().unwrap().iter().map(|ticket| ticket["number"].as_str().unwrap().to_owned());
    let mut numbers: Vec<String> = numbers.collect();
    numbers.sort();
    numbers
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_on_the_board_within_a_second_and_its_customer_sees_when_it_is_ready() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    shop.open_stations().await;
    let cook = shop.appoint().await;
    let (customer, board) = tokio::join!(browser.window(), browser.window());
    tokio::join!(enter(&customer, shop.base_url()), open_board(&board, shop.base_url(), &cook));
    board.see_text("#nothing", "There is nothing to cook").await;

    customer.click(&button_of(shop.item("Tagliata di Manzo"))).await;
    customer.click(&shop.option("Rare")).await;
    customer.fill("#choices-note", "sauce apart").await;
    customer.click("#choices [type=submit]").await;
    customer.click(&button_of(shop.item("Pizza Margherita"))).await;
    customer.fill(&shop.option("Mushrooms"), "2").await;
    customer.click("#choices [type=submit]").await;
    order(&customer).await;
    customer.click("[data-method=counter]").await;
    for words in ["Tagliata di Manzo", "Rare", "sauce apart", "2 × Mushrooms"] {
        board.see_text("#open", words).await;
    }
    board.until("document.querySelectorAll('#open .ticket').length === 2").await;
    board.see_text("#open .ticket .state", "New").await;

    // A tap begins, the next one finishes; the last one tells the customer.
    for _ in 0..2 {
        board.click("#open .ticket[data-state=queued] footer .primary").await;
        board.see("#open .ticket[data-state=cooking]").await;
        customer.see_text("#order-status", "Being prepared").await;
        board.click("#open .ticket[data-state=cooking] footer .primary").await;
        board.see_no("#open .ticket[data-state=cooking]").await;
    }
    customer.see_text("#order-status", "Ready to collect").await;
    board.until("document.querySelectorAll('#ready .ticket').length === 2").await;

    // Recalled by mistake, and ready again.
    board.click("#ready .ticket footer .primary").await;
    customer.see_text("#order-status", "Being prepared").await;
    board.click("#open .ticket[data-state=cooking] footer .primary").await;
    customer.see_text("#order-status", "Ready to collect").await;

    // Most of the time, at least: this machine has other things to do, too.
    let guest = shop.app.customer().await;
    let mut times = Vec::new();
    for count in 3..8 {
        shop.order(&guest, "Panna Cotta ai Frutti di Bosco").await;
        let accepted = Instant::now();
        board.until(&format!("document.querySelectorAll('.ticket').length === {count}")).await;
        times.push(accepted.elapsed());
    }
    times.sort_unstable();
    assert!(times[2] <= SOON, "from the acceptance to the board: {times:?}");
    for window in [&customer, &board] {
        window.assert_no_errors().await;
    }
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_was_cut_off_says_so_and_catches_up() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    shop.open_stations().await;
    let cook = shop.appoint().await;
    let network = FaultyProxy::to(&format!("{}/", shop.base_url())).await;
    let board = browser.window().await;
    open_board(&board, network.url.trim_end_matches('/'), &cook).await;
    let guest = shop.app.customer().await;
    let old = shop.order(&guest, "Tiramisù").await;
    board.see("#open .ticket").await;

    network.set(Weather::Cut);
    let begun = tokio::time::Instant::now();
    for item in ["Espresso", "Pizza Diavola", "Patate al Rosmarino"] {
        shop.order(&guest, item).await;
    }
    // One that was there before is ready meanwhile.
    shop.advance_tickets(&old, "ready").await;
    board.see_text("#connection", "No connection since").await;
    tokio::time::sleep_until(begun + OUTAGE).await;
    assert_eq!(numbers(&board).await.len(), 1, "nothing gets through");

    network.set(Weather::Fair);
    board.until("document.querySelectorAll('#open .ticket').length === 3").await;
    board.see("#ready .ticket").await;
    board.see_no("#connection").await;
    assert_eq!(numbers(&board).await, numbers_of_tickets(&shop).await, "none is missing, and none twice");
    board.assert_no_errors().await;
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_signed_out_elsewhere_goes_on_where_they_were_with_keys_alone() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    shop.open_stations().await;
    let cook = shop.appoint().await;
    let board = browser.window().await;
    open_board(&board, shop.base_url(), &cook).await;
    let guest = shop.app.customer().await;
    shop.order(&guest, "Tiramisù").await;
    board.see("#open .ticket").await;

    let elsewhere = shop.app.anonymous().log_in(&cook, PASSWORD).await;
    let ended = Client::send(elsewhere.request(Method::DELETE, "/v1/me/sessions")).await;
    assert_eq!(ended.status, 204);
    // The board asks by itself, and the tickets stay to be seen.
    board.see("#staff").await;
    shop.order(&guest, "Cannoli Siciliani").await;
    for (field, text) in [("#staff-email", cook.as_str()), ("#staff-password", PASSWORD)] {
        if board.value("document.activeElement.id").await != field.trim_start_matches('#') {
            board.tab_to(field).await;
        }
        board.press(text).await;
    }
    board.press(Key::Enter).await;
    board.see_no("#staff").await;
    board.until("document.querySelectorAll('#open .ticket').length === 2").await;

    board.tab_to("#open .ticket footer .primary").await;
    board.press(Key::Enter).await;
    board.see("#open .ticket[data-state=cooking]").await;
    // The focus is still on the card, and then on the next one.
    board.until("document.activeElement.textContent.startsWith('Ready')").await;
    board.press(Key::Enter).await;
    board.see("#ready .ticket").await;
    board.until("document.activeElement.closest('#open .ticket')").await;
    board.assert_no_errors().await;
    shop.app.close().await;
}
