//! Texts that would be markup, or a script, if a page let them.

use comanda_browser_tests::{Browser, Shop};
use reqwest::Method;
use serde_json::json;

use crate::steps::{enter, open_menu, order};

pub(crate) const NAME: &str = "<img src=x onerror=\"document.title='ran'\">";

#[tokio::test(flavor = "multi_thread")]
async fn whatever_names_and_notes_say_is_shown_and_never_run() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    let (admin, window) = (&shop.app.admin, browser.window().await);
    let price = json!({ "amount": 100, "currency": "EUR" });
    let body = json!({
        "name": NAME, "category": NAME, "price": price, "stock": null,
        "description": "</script><script>document.title='ran'</script>{{ 7 * 7 }}",
    });
    let item = admin.post("/v1/menu/items", &body).await.expect(201)["id"].as_str().unwrap().to_owned();
    let group = json!({ "name": NAME, "options": [{ "name": NAME, "price": price }] });
    let group = admin.post("/v1/menu/option-groups", &group).await.expect(201);
    let offers = json!([{ "group_id": group["id"], "min": 1, "max": 1 }]);
    let path = format!("/v1/menu/items/{item}/option-groups");
    let request = admin.request(Method::PUT, &path).header("if-match", "*").json(&offers);
    comanda_tests::Client::send(request).await.expect(200);

    enter(&window, shop.base_url()).await;
    open_menu(&window, shop.base_url()).await;
    window.see_text(&format!("#item-{item} h3"), NAME).await;
    window.see_text(&format!("#item-{item} .description"), "<script>document.title='ran'</script>{{ 7 * 7 }}").await;
    window.see_text(".categories", NAME).await;
    let linked = window.value("JSON.parse(document.querySelector('[type=\"application/ld+json\"]').text)").await;
    assert!(linked.to_string().contains("onerror"), "{linked}");
    window.click(&format!("#item-{item} button")).await;
    window.see_text("#choices-title", NAME).await;
    window.see_text("#choices-groups legend", NAME).await;
    window.see_text("#choices-groups label", NAME).await;
    window.click("#choices-groups input").await;
    window.fill("#choices-note", NAME).await;
    window.click("#choices [type=submit]").await;
    window.click("#basket-open").await;
    window.see_text("#basket-lines .name", NAME).await;
    window.see_text("#basket-lines .chosen", &format!("{NAME}, ({NAME})")).await;
    order(&window).await;
    window.see_text("#order-lines .name", NAME).await;
    window.see_text("#order-lines .chosen", &format!("{NAME}, ({NAME})")).await;
    assert_eq!(window.value("[document.images.length, document.title]").await, json!([0, "Menu and orders"]));
    // Nor has the browser had to refuse anything.
    window.assert_no_errors().await;
    shop.app.close().await;
}
