//! Who is at work while PostgreSQL crashes.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::Context;
use hyper::body::Bytes;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use super::{
    line::Line,
    lock,
    seen::{Seen, id_of},
};

/// Whether people are let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// With the number of the round.
    Open(u32),
    Closed,
    Over,
}

/// What all of them know.
pub struct Shop {
    pub addresses: Vec<String>,
    /// Of which there is plenty.
    pub spread: Vec<String>,
    /// Of which there is little, again and again.
    pub hot: Vec<String>,
    /// What can be chosen with that of which there is plenty.
    pub options: Vec<String>,
    /// The token of an admin.
    pub admin: String,
    pub seen: Arc<Mutex<Seen>>,
    pub door: watch::Receiver<Door>,
}

impl Shop {
    /// Lines to one server, and to the other.
    fn lines(&self, n: usize) -> [Line; 2] {
        [n, n + 1].map(|n| Line::to(&self.addresses[n % self.addresses.len()], &self.seen))
    }
}

/// Waits until the door is open; returns the number of the round.
async fn enter(door: &mut watch::Receiver<Door>) -> Option<u32> {
    match *door.wait_for(|door| *door != Door::Closed).await.ok()? {
        Door::Open(round) => Some(round),
        Door::Closed | Door::Over => None,
    }
}

/// A customer, who places orders one after the other, each until it is confirmed or sold out, whatever happens.
pub struct Customer {
    shop: Arc<Shop>,
    token: String,
    /// Whether only hot dishes are good enough.
    is_picky: bool,
    random: StdRng,
    lines: [Line; 2],
    door: watch::Receiver<Door>,
    /// The last one that was begun.
    round: u32,
    /// The key, the request and the response of the last order.
    last: Option<(String, Bytes, Bytes)>,
}

impl Customer {
    pub fn new(shop: &Arc<Shop>, n: usize, token: String, seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed.wrapping_add(n as u64));
        // At either server.
        let is_picky = n / 2 % 2 == 1;
        let (shop, lines, door) = (Arc::clone(shop), shop.lines(n), shop.door.clone());
        Self { shop, token, is_picky, random, lines, door, round: 0, last: None }
    }

    pub async fn order(mut self) -> anyhow::Result<()> {
        while self.enter().await? {
            let Some(order) = self.place().await? else { continue };
            let id = id_of(&order["id"])?;
            match self.random.random_range(0..8) {
                0 => self.change(id, "cancel", &json!({}), false).await?,
                1 => self.change(id, "status", &json!({ "status": "accepted" }), true).await?,
                2 | 3 => self.look_elsewhere(id).await?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Waits until the door is open. The first thing to do after a crash is to repeat what was confirmed before it.
    async fn enter(&mut self) -> anyhow::Result<bool> {
        let Some(round) = enter(&mut self.door).await else { return Ok(false) };
        if round != self.round {
            self.round = round;
            self.repeat_last().await?;
        }
        Ok(true)
    }

    /// `None`: it is sold out, or it is over.
    async fn place(&mut self) -> anyhow::Result<Option<Value>> {
        let key = Uuid::now_v7().to_string();
        let mut items = Vec::new();
        for n in 0..self.random.random_range(1..=3) {
            let is_hot = self.is_picky && n == 0;
            let menu = if is_hot { &self.shop.hot } else { &self.shop.spread };
            let item = &menu[self.random.random_range(0..menu.len())];
            let mut line = json!({ "menu_item_id": item, "quantity": self.random.random_range(1..=3) });
            if !is_hot && self.random.random_bool(0.5) {
                let option = &self.shop.options[self.random.random_range(0..self.shop.options.len())];
                line["selections"] = json!([{ "option_id": option }]);
            }
            items.push(line);
        }
        let body = Bytes::from(json!({ "items": items }).to_string());
        while self.enter().await? {
            let token = self.token.clone();
            let request = self.lines[0].send(async |line| line.place_order(&token, &key, body.clone()).await);
            let Some(response) = request.await else { continue };
            match self.lines[0].understand(&response, &["409 idempotency-in-progress", "409 insufficient-stock"]) {
                201 => {
                    let order = response.json()?;
                    lock(&self.shop.seen).confirm(&order)?;
                    self.last = Some((key, body, response.body));
                    return Ok(Some(order));
                }
                409 if response.json()?["code"] == "insufficient-stock" => {
                    self.restock(&response.json()?).await?;
                    return Ok(None);
                }
                _ => tokio::time::sleep(Duration::from_millis(self.random.random_range(20..80))).await,
            }
        }
        Ok(None)
    }

    /// Whoever asks again after the crash gets the same response.
    async fn repeat_last(&mut self) -> anyhow::Result<()> {
        let Some((key, body, before)) = self.last.clone() else { return Ok(()) };
        while enter(&mut self.door).await.is_some() {
            let token = self.token.clone();
            let request = self.lines[1].send(async |line| line.place_order(&token, &key, body.clone()).await);
            let Some(response) = request.await else { continue };
            if self.lines[1].understand(&response, &["409 idempotency-in-progress"]) == 201 {
                let mut seen = lock(&self.shop.seen);
                seen.repeated += 1;
                if response.body != before {
                    let [before, after] = [&before, &response.body].map(|body| String::from_utf8_lossy(body));
                    seen.complain(&format!("a repeated order was answered with\n{before}\nand with\n{after}"));
                }
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(self.random.random_range(20..80))).await;
        }
        Ok(())
    }

    /// A delivery of whatever is short.
    async fn restock(&mut self, problem: &Value) -> anyhow::Result<()> {
        for short in problem["items"].as_array().context("what is short")? {
            let (item, reason) = (id_of(&short["menu_item_id"])?, format!("delivery {}", Uuid::now_v7()));
            let body = json!({ "delta": self.random.random_range(20..60), "reason": reason });
            let (path, admin) = (format!("/v1/menu/items/{item}/stock"), self.shop.admin.clone());
            let request = self.lines[1].send(async |line| line.post(&path, Some(&admin), &body).await);
            let Some(response) = request.await else { continue };
            if self.lines[1].understand(&response, &["409 stock-changed"]) == 200 {
                lock(&self.shop.seen).news.adjustments.insert(reason);
            }
        }
        Ok(())
    }

    /// Once; what becomes of it is known only if the response says so.
    async fn change(&mut self, id: Uuid, verb: &str, body: &Value, as_staff: bool) -> anyhow::Result<()> {
        let token = if as_staff { self.shop.admin.clone() } else { self.token.clone() };
        let path = format!("/v1/orders/{id}/{verb}");
        let request = self.lines[1].send(async |line| line.post(&path, Some(&token), body).await);
        if let Some(response) = request.await
            && self.lines[1].understand(&response, &["409 invalid-transition"]) == 200
        {
            lock(&self.shop.seen).see(&response.json()?)?;
        }
        Ok(())
    }

    /// At the other server.
    async fn look_elsewhere(&mut self, id: Uuid) -> anyhow::Result<()> {
        let (path, token) = (format!("/v1/orders/{id}"), self.token.clone());
        let request = self.lines[1].send(async |line| line.get(&path, Some(&token)).await);
        if let Some(response) = request.await
            && self.lines[1].understand(&response, &[]) == 200
        {
            lock(&self.shop.seen).see(&response.json()?)?;
        }
        Ok(())
    }
}

/// Looks at a customer's newest orders, also at those that are not confirmed yet.
pub async fn watch_orders(shop: Arc<Shop>, n: usize, token: String) -> anyhow::Result<()> {
    let (mut door, [mut line, _]) = (shop.door.clone(), shop.lines(n));
    while enter(&mut door).await.is_some() {
        let request = line.send(async |line| line.get("/v1/orders?limit=5", Some(&token)).await);
        if let Some(response) = request.await
            && line.understand(&response, &[]) == 200
        {
            let list = response.json()?;
            let mut seen = lock(&shop.seen);
            for order in list["data"].as_array().context("a list")? {
                seen.see(order)?;
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Looks at the menu of one server, crash or not. It must never go back.
pub async fn watch_menu(shop: Arc<Shop>, n: usize) -> anyhow::Result<()> {
    let (door, [mut line, _]) = (shop.door.clone(), shop.lines(n));
    let (mut newest, mut shown) = (0, Bytes::new());
    while *door.borrow() != Door::Over {
        let request = line.send(async |line| line.get("/v1/menu", None).await);
        if let Some(response) = request.await
            && line.understand(&response, &[]) == 200
            // Reading it takes longer than sending it.
            && response.body != shown
        {
            let mut seen = lock(&shop.seen);
            let version = seen.see_menu(&response.json()?)?;
            if version < newest {
                seen.complain(&format!("server {n} showed version {newest} of the menu, and then {version}"));
            }
            newest = version;
            shown = response.body;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
