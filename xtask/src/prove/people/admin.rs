use std::collections::HashMap;

use comanda_proof::Request;
use rand::RngExt;
use serde_json::json;

use crate::prove::{
    account::Account,
    person::{Call, Person},
};

/// An admin, who appoints and dismisses, locks out and unlocks, and sets flags.
pub struct Admin {
    person: Person,
    account: Account,
    /// The ids of those whose roles change.
    floaters: Vec<String>,
    /// The addresses whose passwords are guessed.
    guessed: Vec<String>,
    /// The role of each floater, unless nobody knows it.
    roles: HashMap<String, &'static str>,
}

impl Admin {
    pub fn enter(person: Person, account: Account, floaters: Vec<String>, guessed: Vec<String>) -> Self {
        let roles = floaters.iter().map(|floater| (floater.clone(), "customer")).collect();
        Self { person, account, floaters, guessed, roles }
    }

    pub async fn work(mut self) {
        while self.person.goes_on() && self.step().await.is_some() {
            self.person.think(400).await;
        }
    }

    async fn step(&mut self) -> Option<()> {
        let floater = self.person.pick(&self.floaters).cloned()?;
        let user = format!("/v1/admin/users/{floater}");
        let call = match self.person.random.random_range(0..20) {
            0..4 => return self.appoint(&floater, "staff").await,
            4..8 => return self.appoint(&floater, "customer").await,
            8 => Call::patch(user, json!({ "disabled": true })),
            9..12 => Call::patch(user, json!({ "disabled": false })),
            12 => Call::delete(format!("{user}/sessions"), Some(json!({ "reason": "a lost phone" }))),
            13 if self.person.one_in(2) => Call::get("/v1/admin/lockouts?limit=50"),
            13 => Call::get(format!("/v1/admin/lockouts/{}", self.person.pick(&self.guessed)?)),
            14 | 15 => {
                let email = self.person.pick(&self.guessed).cloned()?;
                Call::delete(format!("/v1/admin/lockouts/{email}"), Some(json!({ "reason": "they asked" })))
            }
            16 => Call::get("/v1/admin/audit-log?limit=20"),
            17 => {
                let percentage = [0, 50, 100][self.person.random.random_range(0..3)];
                let flag = ["menu-cache", "menu-cache.partial-invalidation"][self.person.random.random_range(0..2)];
                Call::put(format!("/v1/admin/flags/{flag}"), json!({ "percentage": percentage }))
            }
            18 => Call::get("/v1/admin/users?limit=50"),
            _ => Call::get("/v1/analytics/sales?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&interval=hour"),
        };
        let answer = self.person.ask(&call.by(&self.account.credential)).await;
        match answer {
            Some(answer) => self.account.understand(&mut self.person, &answer).await,
            None => Some(()),
        }
    }

    async fn appoint(&mut self, floater: &str, role: &'static str) -> Option<()> {
        let call =
            Call::patch(format!("/v1/admin/users/{floater}"), json!({ "role": role })).by(&self.account.credential);
        // To become what they are ends no session. Nor may it if nobody knows what they are.
        let call = match self.roles.remove(floater) {
            Some(before) if before != role => call,
            _ => call.recorded_as(Request::Other { what: "appoint again".to_owned() }),
        };
        let Some(answer) = self.person.ask(&call).await else { return Some(()) };
        if answer.status == 200 {
            self.roles.insert(floater.to_owned(), role);
        }
        self.account.understand(&mut self.person, &answer).await
    }
}
