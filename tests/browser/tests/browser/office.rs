//! The office.

use comanda_browser_tests::{Browser, Shop};
use comanda_tests::{Client, PASSWORD};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::{
    kitchen::sign_in,
    steps::{orders, until_ready},
    texts::NAME,
};

#[tokio::test(flavor = "multi_thread")]
async fn staff_find_an_order_by_its_number_read_what_was_chosen_and_move_it_on() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    let (member, guest) = (shop.appoint().await, shop.app.customer().await);
    let wanted = shop.order_with_choices(&guest).await;
    let other = shop.order(&guest, "Espresso").await;
    let order = shop.app.admin.get(&format!("/v1/orders/{wanted}")).await.expect(200);
    let number = order["number"].as_str().unwrap();

    let window = browser.window().await;
    window.open(&format!("{}/office?lang=en", shop.base_url())).await;
    sign_in(&window, &member).await;
    until_ready(&window).await;
    for order in [&wanted, &other] {
        window.see(&format!("[data-key=open-{order}]")).await;
    }
    window.fill("#filter-q", number).await;
    window.see_no(&format!("[data-key=open-{other}]")).await;
    assert_eq!(window.text(&format!("[data-key=open-{wanted}]")).await, number);

    window.click(&format!("[data-key=open-{wanted}]")).await;
    for words in ["2 × Pizza Margherita", "2 × Mushrooms", "No mozzarella", "well done", "Rare"] {
        window.see_text("#details .lines", words).await;
    }
    window.click("#details .head button").await;
    window.see_no("#details").await;
    window.click(&format!("[data-key=next-{wanted}]")).await;
    window.see_text("#toast-words", &format!("Order {number}: ")).await;
    window.see_text("#section tbody [data-kind=preparing]", "").await;
    assert_eq!(orders(&shop).await, [("preparing".to_owned(), 4), ("accepted".to_owned(), 1)]);
    // The address says what was searched for.
    window.reload().await;
    window.see(&format!("[data-key=open-{wanted}]")).await;
    window.see_no(&format!("[data-key=open-{other}]")).await;
    window.assert_no_errors().await;
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_menu_item_is_sold_out_by_one_click_back_by_another_and_its_name_is_never_run() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    let member = shop.appoint().await;
    let item = shop.add_item(NAME, 5).await;
    let stock = || shop.app.stock(item.parse::<Uuid>().unwrap());
    let window = browser.window().await;
    window.open(&format!("{}/office?lang=en&view=menu", shop.base_url())).await;
    sign_in(&window, &member).await;
    window.see_text(&format!("[data-key=edit-{item}]"), NAME).await;

    window.click(&format!("[data-key=sold-{item}]")).await;
    window.see_text("#toast-words", &format!("{NAME} is sold out.")).await;
    window.see_text(&format!("tr:has([data-key=edit-{item}])"), "Sold out").await;
    assert_eq!(stock().await, 0);
    window.click("#toast-undo").await;
    window.see_text("#toast-words", "It is undone.").await;
    window.see(&format!("[data-key=sold-{item}]")).await;
    assert_eq!(stock().await, 5);

    window.click(&format!("[data-key=edit-{item}]")).await;
    window.see_text("dialog[open] h2", NAME).await;
    assert_eq!(window.value("[document.images.length, document.title]").await, json!([0, "Menu · Office"]));
    window.assert_no_errors().await;
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_an_account_is_undone_unless_another_admin_has_changed_it_meanwhile() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    let (member, guest) = (shop.appoint().await, shop.app.customer().await);
    let change = async |id: &str, role: &str| {
        let request = shop.app.admin.request(Method::PATCH, &format!("/v1/admin/users/{id}"));
        Client::send(request.json(&json!({ "role": role }))).await.expect(200)
    };
    let id = guest.id.to_string();
    let admin = shop.app.anonymous().log_in(&member, PASSWORD).await;
    change(&admin.id.to_string(), "admin").await;
    let window = browser.window().await;
    window.open(&format!("{}/office?lang=en&view=accounts", shop.base_url())).await;
    sign_in(&window, &member).await;
    let role = format!("[data-key=role-{id}]");
    let appoint = async || {
        window.click(&role).await;
        window.see("dialog[open] select").await;
        window.press("Staff").await;
        window.click("dialog[open] [type=submit]").await;
        window.see_text("#toast-words", "is now: Staff.").await;
        window.see_text(&role, "Staff").await;
    };

    appoint().await;
    window.click("#toast-undo").await;
    window.see_text("#toast-words", "It is undone.").await;
    window.see_text(&role, "Customer").await;

    appoint().await;
    change(&id, "admin").await;
    window.click("#toast-undo").await;
    window.see_text("#toast-problem", "Somebody else has changed this meanwhile.").await;
    window.see_text(&role, "Admin").await;

    // What somebody else has changed beside it stays.
    change(&id, "customer").await;
    window.reload().await;
    appoint().await;
    window.click(&format!("[data-key=turn-{id}]")).await;
    window.see_text("#toast-words", "can no longer sign in.").await;
    change(&id, "admin").await;
    window.click("#toast-undo").await;
    window.see_text("#toast-words", "It is undone.").await;
    window.see_text(&role, "Admin").await;
    window.see_text(&format!("[data-key=turn-{id}]"), "Disable").await;
    window.assert_no_errors().await;
    shop.app.close().await;
}
