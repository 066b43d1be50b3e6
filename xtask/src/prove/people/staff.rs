use std::sync::Arc;

use rand::RngExt;
use serde_json::{Value, json};

use crate::prove::{
    account::Account,
    pantry::{Pantry, euros},
    person::{Call, Credential, Person},
};

/// Somebody of the staff, who moves orders, takes money, counts what there is and changes the menu.
pub struct Staff {
    person: Person,
    account: Account,
    pantry: Arc<Pantry>,
}

impl Staff {
    pub async fn enter(mut person: Person, pantry: Arc<Pantry>, appoints: &Credential) -> Option<Self> {
        let mut account = Account::register(&mut person).await?;
        let path = format!("/v1/admin/users/{}", account.id());
        person.insist(&Call::patch(path, json!({ "role": "staff" })).by(appoints)).await?;
        account.sign_in(&mut person).await?;
        Some(Self { person, account, pantry })
    }

    pub async fn work(mut self) {
        while self.person.goes_on() && self.step().await.is_some() {
            self.person.think(50).await;
        }
    }

    async fn step(&mut self) -> Option<()> {
        match self.person.random.random_range(0..100) {
            0..30 => self.advance().await,
            30..42 => self.take_money().await,
            42..47 => self.cancel().await,
            47..67 => self.restock().await,
            67..82 => self.count_supplies().await,
            82..92 => self.edit().await,
            92..94 => self.define().await,
            94..96 => self.ask(Call::get("/v1/analytics/top-items?limit=10")).await.map(|_| ()),
            96..98 => self.ask(Call::get("/v1/menu/items?limit=100")).await.map(|_| ()),
            98 => self.account.come_again(&mut self.person).await,
            _ => {
                self.account.haunt(&mut self.person, "/v1/kitchen/tickets?limit=1").await;
                Some(())
            }
        }
    }

    /// Null: refused, or there was no response.
    async fn ask(&mut self, call: Call) -> Option<Value> {
        let answer = self.person.ask(&call.by(&self.account.credential)).await;
        let Some(answer) = answer else { return Some(Value::Null) };
        self.account.understand(&mut self.person, &answer).await?;
        Some(if answer.status < 300 { answer.body } else { Value::Null })
    }

    /// Until it is known what became of it.
    async fn insist(&mut self, call: Call) -> Option<Value> {
        let answer = self.person.insist(&call.by(&self.account.credential)).await?;
        self.account.understand(&mut self.person, &answer).await?;
        Some(if answer.status < 300 { answer.body } else { Value::Null })
    }

    /// One of the orders in this status, of the newest.
    async fn order(&mut self, status: &str) -> Option<Value> {
        let page = self.ask(Call::get(format!("/v1/orders?status={status}&limit=20"))).await?;
        let orders = page["data"].as_array().cloned().unwrap_or_default();
        Some(self.person.pick(&orders).cloned().unwrap_or_default())
    }

    async fn advance(&mut self) -> Option<()> {
        let (from, to) = [
            ("pending", "accepted"),
            ("pending", "accepted"),
            ("accepted", "preparing"),
            ("preparing", "ready"),
            ("ready", "completed"),
        ][self.person.random.random_range(0..5)];
        let order = self.order(from).await?;
        let Some(id) = order["id"].as_str() else { return Some(()) };
        let call = Call::post(format!("/v1/orders/{id}/status"), json!({ "status": to })).under(self.person.key());
        self.insist(call.clone()).await?;
        if self.person.one_in(10) {
            self.ask(call).await?;
        }
        Some(())
    }

    async fn cancel(&mut self) -> Option<()> {
        let status = ["pending", "accepted", "preparing"][self.person.random.random_range(0..3)];
        let order = self.order(status).await?;
        let Some(id) = order["id"].as_str() else { return Some(()) };
        let body = json!({ "reason": "the kitchen is on fire" });
        let call = Call::post(format!("/v1/orders/{id}/cancel"), body).under(self.person.key());
        self.insist(call).await.map(|_| ())
    }

    /// Settles what is paid at the counter, and gives some of it back.
    async fn take_money(&mut self) -> Option<()> {
        let status = ["pending", "accepted", "ready", "completed", "cancelled"][self.person.random.random_range(0..5)];
        let page = Call::get(format!("/v1/orders?status={status}&limit=50&include=payments"));
        let page = self.ask(page).await?;
        let due: Vec<Due> = page["data"].as_array().into_iter().flatten().flat_map(Due::of).collect();
        let Some(due) = self.person.pick(&due) else { return Some(()) };
        let call = if due.is_paid {
            if !self.person.one_in(3) {
                return Some(());
            }
            let reason = format!("cold {}", self.person.key());
            let some = euros(self.person.random.random_range(1..=due.amount.max(1)));
            let all = self.person.one_in(3);
            let body = if all { json!({ "reason": reason }) } else { json!({ "reason": reason, "amount": some }) };
            Call::post(format!("{}/refunds", due.path), body)
        } else {
            Call::post(format!("{}/settle", due.path), json!({}))
        };
        let call = call.under(self.person.key());
        self.insist(call.clone()).await?;
        if self.person.one_in(6) {
            self.ask(call).await?;
        }
        Some(())
    }

    async fn restock(&mut self) -> Option<()> {
        let counted: Vec<_> = self.pantry.dishes.iter().filter(|dish| dish.counted).cloned().collect();
        let Some(dish) = self.person.pick(&counted).cloned() else { return Some(()) };
        let delta = match self.person.random.random_range(0..6) {
            0 => -self.person.random.random_range(1..=4),
            1 => self.person.random.random_range(1..=200),
            _ => self.person.random.random_range(1..=12),
        };
        let key = self.person.key();
        let body = json!({ "delta": delta, "reason": format!("delivery {key}") });
        let call = Call::post(format!("/v1/menu/items/{}/stock", dish.id), body).under(self.person.key());
        self.insist(call.clone()).await?;
        if self.person.one_in(8) {
            self.ask(call).await?;
        }
        Some(())
    }

    async fn count_supplies(&mut self) -> Option<()> {
        let Some(supply) = self.person.pick(&self.pantry.supplies).cloned() else { return Some(()) };
        let path = format!("/v1/supplies/{supply}");
        let seen = self.ask(Call::get(&path)).await?;
        let Some(stock) = seen["stock"].as_i64() else { return Some(()) };
        let some = self.person.random.random_range(0..20);
        let (change, amount, why) = match self.person.random.random_range(0..4) {
            0 => ("counted", (stock - some / 8).max(0), "stock-take"),
            1 => ("delta", -1 - some / 5, "dropped"),
            // What is scarce stays so, and the rest does not run out.
            _ => ("delta", 1 + stock / 20 + some, "delivery"),
        };
        let body = json!({ change: amount, "reason": format!("{why} {}", self.person.key()) });
        let call = Call::post(format!("{path}/stock"), body).under(self.person.key());
        self.insist(call).await.map(|_| ())
    }

    /// On condition of what was seen, which may have changed meanwhile.
    async fn edit(&mut self) -> Option<()> {
        let Some(dish) = self.person.pick(&self.pantry.dishes).cloned() else { return Some(()) };
        let path = format!("/v1/menu/items/{}", dish.id);
        let answer = self.person.ask(&Call::get(&path).by(&self.account.credential)).await;
        let Some(answer) = answer else { return Some(()) };
        self.account.understand(&mut self.person, &answer).await?;
        let Some(tag) = answer.tag else { return Some(()) };
        if self.person.one_in(3) {
            self.person.think(200).await;
        }
        let body = match self.person.random.random_range(0..6) {
            0 => json!({ "active": self.person.random.random_bool(0.85) }),
            1 => json!({ "description": format!("as of {}", self.person.random.random_range(0..1000)) }),
            2 => json!({ "active": true }),
            // Hardly ever the same twice: then orders show which revision they were sold at.
            _ => json!({ "price": euros(self.person.random.random_range(100..100_000)) }),
        };
        self.ask(Call::patch(path, body).if_at(tag)).await.map(|_| ())
    }

    /// What a dish takes, or what an option costs.
    async fn define(&mut self) -> Option<()> {
        let with_options: Vec<_> = self.pantry.dishes.iter().filter(|dish| dish.with_options).cloned().collect();
        let Some(dish) = self.person.pick(&with_options).cloned() else { return Some(()) };
        let recipe = json!([
            { "supply_id": self.pantry.supplies[0], "amount": 1 },
            { "supply_id": self.pantry.supplies[1], "amount": self.person.random.random_range(50..150) },
        ]);
        self.ask(Call::put(format!("/v1/menu/items/{}/recipe", dish.id), recipe).if_at("*")).await.map(|_| ())
    }
}

/// A payment that something can be done about.
struct Due {
    path: String,
    amount: i64,
    /// It can be given back; otherwise it is to be settled.
    is_paid: bool,
}

impl Due {
    fn of(order: &Value) -> Vec<Self> {
        let of_payment = |payment: &Value| {
            let is_paid = match (payment["method"].as_str()?, payment["status"].as_str()?) {
                ("counter", "pending") => false,
                (_, "succeeded" | "partly_refunded") => true,
                _ => return None,
            };
            let path = format!("/v1/orders/{}/payments/{}", order["id"].as_str()?, payment["id"].as_str()?);
            Some(Self { path, amount: payment["amount"]["amount"].as_i64()?, is_paid })
        };
        order["payments"].as_array().into_iter().flatten().filter_map(of_payment).collect()
    }
}
