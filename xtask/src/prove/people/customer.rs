use std::sync::Arc;

use rand::RngExt;
use serde_json::{Value, json};

use crate::prove::{
    account::{Account, Kept},
    browser::Page,
    pantry::Pantry,
    people::board,
    person::{Call, Person},
};

/// A customer, who orders, pays, looks, cancels, and comes and goes.
pub struct Customer {
    person: Person,
    account: Account,
    pantry: Arc<Pantry>,
    /// The ids of their newest orders.
    orders: Vec<String>,
    /// The entity tag of the menu that they have seen.
    menu: Option<String>,
}

impl Customer {
    const REMEMBERED: usize = 8;

    pub async fn enter(mut person: Person, pantry: Arc<Pantry>, kept: Kept) -> Option<Self> {
        let account = Account::register_and_keep(&mut person, kept).await?;
        Some(Self { person, account, pantry, orders: Vec::new(), menu: None })
    }

    /// Until all is over.
    pub async fn work(mut self) {
        while self.person.goes_on() && self.step().await.is_some() {
            self.person.think(60).await;
        }
    }

    /// `None`: all is over.
    async fn step(&mut self) -> Option<()> {
        if self.account.is_in_browser() && self.person.one_in(10) {
            return self.browse().await;
        }
        match self.person.random.random_range(0..100) {
            0..38 => self.place().await,
            38..50 => self.look().await,
            50..56 => self.ask(Call::get("/v1/orders?limit=5&include=items,payments")).await.map(|_| ()),
            56..70 => self.read_menu().await,
            70..75 => {
                let basket = self.pantry.basket(&mut self.person);
                self.ask(Call::post("/v1/orders/quote", basket)).await.map(|_| ())
            }
            75..82 => self.cancel().await,
            82..94 => self.pay().await,
            // Watching and refreshing is for programs here.
            94..98 if self.account.is_in_browser() => self.account.come_again(&mut self.person).await,
            94..96 => self.watch().await,
            96 => self.account.come_again(&mut self.person).await,
            97 => self.account.refresh(&mut self.person).await,
            98 => {
                self.account.haunt(&mut self.person, "/v1/orders?limit=1").await;
                Some(())
            }
            _ if self.person.one_in(4) => self.account.change_password(&mut self.person).await,
            _ => self.ask(Call::get("/v1/me")).await.map(|_| ()),
        }
    }

    /// What happens in browsers alone: the session is replaced, a page that was left open asks with the cookie
    /// of before, or a page of somebody else has the browser send something, which must change nothing.
    async fn browse(&mut self) -> Option<()> {
        let page = if self.person.one_in(2) { Page::Blind } else { Page::Foreign };
        let forged = match self.person.random.random_range(0..6) {
            0 => return self.account.replace(&mut self.person).await,
            1 | 2 => {
                self.account.haunt(&mut self.person, "/v1/orders?limit=1").await;
                return Some(());
            }
            3 => Call::post("/v1/orders", self.pantry.basket(&mut self.person)).under(self.person.key()),
            4 => Call::delete("/v1/web/sessions/current", None),
            _ => match self.person.pick(&self.orders) {
                Some(id) => Call::post(format!("/v1/orders/{id}/cancel"), json!({})),
                None => Call::post("/v1/orders", self.pantry.basket(&mut self.person)),
            },
        };
        self.ask(forged.sent_from(page)).await.map(|_| ())
    }

    /// Once, at any server; what becomes of it is known only if there is a response.
    async fn ask(&mut self, call: Call) -> Option<Value> {
        let answer = self.person.ask(&call.by(&self.account.credential)).await;
        let Some(answer) = answer else { return Some(Value::Null) };
        self.account.understand(&mut self.person, &answer).await?;
        Some(if answer.status < 300 { answer.body } else { Value::Null })
    }

    async fn place(&mut self) -> Option<()> {
        let basket = self.pantry.basket(&mut self.person);
        if self.person.one_in(10) {
            // Without a key nobody could tell a repetition from another order.
            let order = self.ask(Call::post("/v1/orders", basket)).await?;
            if !order.is_null() {
                self.remember(&order);
            }
            return Some(());
        }
        let key = self.person.key();
        let call = Call::post("/v1/orders", basket).under(&key);
        if self.person.one_in(12) {
            // As a phone does that is impatient: the same at two servers at once.
            let (here, there) = (self.person.server(), self.person.server());
            let call = call.clone().by(&self.account.credential);
            tokio::join!(self.person.ask_at(here, &call), self.person.ask_at(there, &call));
        }
        let answer = loop {
            let answer = self.person.insist(&call.clone().by(&self.account.credential)).await?;
            if answer.status != 401 {
                break answer;
            }
            self.account.understand(&mut self.person, &answer).await?;
        };
        if answer.status == 201 {
            self.remember(&answer.body);
            if self.person.one_in(8) {
                self.ask(call).await?;
            } else if self.person.one_in(40) {
                let other = self.pantry.basket(&mut self.person);
                self.ask(Call::post("/v1/orders", other).under(&key)).await?;
            }
        }
        Some(())
    }

    fn remember(&mut self, order: &Value) {
        if self.orders.len() == Self::REMEMBERED {
            self.orders.remove(0);
        }
        self.orders.extend(order["id"].as_str().map(str::to_owned));
    }

    async fn look(&mut self) -> Option<()> {
        let Some(id) = self.person.pick(&self.orders).cloned() else { return Some(()) };
        let relations = if self.person.one_in(3) { "?include=items,payments,customer" } else { "" };
        self.ask(Call::get(format!("/v1/orders/{id}{relations}"))).await.map(|_| ())
    }

    async fn read_menu(&mut self) -> Option<()> {
        let mut call = Call::get("/v1/menu");
        call.tag.clone_from(&self.menu);
        if let Some(answer) = self.person.ask(&call).await
            && answer.tag.is_some()
        {
            self.menu = answer.tag;
        }
        Some(())
    }

    async fn cancel(&mut self) -> Option<()> {
        let Some(id) = self.person.pick(&self.orders).cloned() else { return Some(()) };
        let call = Call::post(format!("/v1/orders/{id}/cancel"), json!({})).under(self.person.key());
        self.ask(call.clone()).await?;
        if self.person.one_in(4) {
            self.ask(call).await?;
        }
        Some(())
    }

    async fn pay(&mut self) -> Option<()> {
        let Some(id) = self.person.pick(&self.orders).cloned() else { return Some(()) };
        let method = if self.person.one_in(3) { "counter" } else { "card" };
        let call =
            Call::post(format!("/v1/orders/{id}/payments"), json!({ "method": method })).under(self.person.key());
        let call = call.by(&self.account.credential);
        let answer = self.person.insist(&call).await?;
        self.account.understand(&mut self.person, &answer).await?;
        // The secret is the intent's name and more.
        let secret = answer.body["client_secret"].as_str().unwrap_or_default();
        let Some((intent, _)) = secret.split_once("_secret") else { return Some(()) };
        let intent = intent.to_owned();
        loop {
            let card = match self.person.random.random_range(0..10) {
                0 => return Some(()),
                1 => "pm_card_chargeDeclined",
                2 => "pm_card_authenticationRequired",
                _ => "pm_card_visa",
            };
            let path = format!("/v1/offline-gateway/intents/{intent}/pay");
            self.person.insist(&Call::post(path, json!({ "payment_method": card }))).await?;
            if card == "pm_card_visa" {
                return Some(());
            }
        }
    }

    /// The newest order, for a while.
    async fn watch(&mut self) -> Option<()> {
        let Some(id) = self.orders.last().cloned() else { return Some(()) };
        let server = self.person.server();
        let path = format!("/v1/orders/{id}/events");
        board::watch_for_a_while(&mut self.person, server, &path, &self.account.credential).await;
        Some(())
    }
}
