//! Every state that the page for customers can be in: nothing keeps people out, everything fits, and there is a picture.

use comanda_browser_tests::{Browser, Shop, Window};

use crate::steps::{add, order, sign_up, until_ready};

/// What is looked at, and how.
struct Look<'a> {
    window: &'a Window,
    language: &'static str,
    dark: bool,
    pictures: bool,
}

impl Look<'_> {
    async fn at(&self, state: &str) {
        let state = format!("customers-{state}");
        self.window.assert_accessible(&format!("{state}, {}, dark: {}", self.language, self.dark)).await;
        if self.pictures {
            self.window.take_screenshots(&state).await;
        }
        self.window.resize(360).await;
        self.window.assert_accessible(&format!("{state}, {}, dark: {}, narrow", self.language, self.dark)).await;
        self.window.assert_fits(&state).await;
        self.window.resize(1280).await;
    }

    /// Goes through every state.
    async fn walk(&self, shop: &Shop, rare: &str) {
        let window = self.window;
        window.set_dark(self.dark).await;
        window.open(&format!("{}/?lang={}", shop.base_url(), self.language)).await;
        until_ready(window).await;
        self.at("menu").await;

        window.click(&format!("#item-{} button", shop.item("Pizza Margherita"))).await;
        window.see("#choices").await;
        self.at("choices").await;
        window.fill(&shop.option("Mushrooms"), "9").await;
        window.click("#choices [type=submit]").await;
        window.see("#choices .error").await;
        self.at("choices-error").await;
        window.fill(&shop.option("Mushrooms"), "2").await;
        window.click(&shop.option("No mozzarella")).await;
        window.click("#choices [type=submit]").await;
        window.see_no("#choices").await;

        add(window, rare, 3).await;
        window.click("#basket-open").await;
        self.at("basket").await;
        order(window).await;
        window.see("#account").await;
        self.at("account").await;
        window.fill("#sign-up-password", "short").await;
        window.click("#sign-up [type=submit]").await;
        window.see("#sign-up .error").await;
        self.at("account-error").await;
        sign_up(window).await;
        window.see("#line-1-error").await;
        self.at("basket-refused").await;
        window.click("#basket-lines .line:nth-child(2) button").await;
        order(window).await;
        window.see("#order").await;
        self.at("order").await;
        window.click("#order-card").await;
        window.click("[data-card=pm_card_chargeDeclined]").await;
        window.see("#order-problem").await;
        self.at("order-declined").await;
        window.click("#order-card").await;
        window.click("[data-card=pm_card_visa]").await;
        window.see_no("#order-methods").await;
        self.at("order-paid").await;
        window.click("#order-again").await;
        window.click("#account-open").await;
        window.see("#account-own").await;
        self.at("account-own").await;
        window.assert_no_errors().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_keeps_anybody_out_in_any_state_light_or_dark_in_either_language() {
    let (shop, browser) = (Shop::open().await, Browser::start());
    let rare = shop.add_item("Zuppa del giorno", 2).await;
    shop.sell_out(shop.item("Caponata")).await;
    let (english, german) = tokio::join!(browser.window(), browser.window());
    let english = Look { window: &english, language: "en", dark: false, pictures: true };
    let german = Look { window: &german, language: "de", dark: true, pictures: false };
    tokio::join!(english.walk(&shop, &rare), german.walk(&shop, &rare));
    shop.app.close().await;
}
