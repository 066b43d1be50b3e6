use rand::RngExt;
use serde_json::json;

use crate::prove::{
    account::Account,
    person::{Call, Credential, Person},
};

/// A cook, who begins tickets, bumps them and recalls some.
pub struct Cook {
    person: Person,
    account: Account,
}

impl Cook {
    pub async fn enter(mut person: Person, appoints: &Credential) -> Option<Self> {
        let mut account = Account::register(&mut person).await?;
        let path = format!("/v1/admin/users/{}", account.id());
        person.insist(&Call::patch(path, json!({ "role": "staff" })).by(appoints)).await?;
        account.sign_in(&mut person).await?;
        Some(Self { person, account })
    }

    pub async fn work(mut self) {
        while self.person.goes_on() && self.step().await.is_some() {
            self.person.think(40).await;
        }
    }

    async fn step(&mut self) -> Option<()> {
        let (from, to) = match self.person.random.random_range(0..20) {
            0..7 => ("queued", "cooking"),
            7..17 => (["queued", "cooking"][self.person.random.random_range(0..2)], "ready"),
            17..19 => ("ready", "cooking"),
            _ => ("ready", "ready"),
        };
        let list = Call::get(format!("/v1/kitchen/tickets?state={from}&limit=20")).by(&self.account.credential);
        let Some(answer) = self.person.ask(&list).await else { return Some(()) };
        self.account.understand(&mut self.person, &answer).await?;
        let tickets = answer.body["data"].as_array().cloned().unwrap_or_default();
        // What is old is urgent.
        let urgent = tickets.len().min(10);
        let Some(ticket) = self.person.pick(&tickets[..urgent]).cloned() else { return Some(()) };
        // All stations finish an order at once, now and then.
        let of_order: Vec<_> = tickets.iter().filter(|other| other["order_id"] == ticket["order_id"]).collect();
        let calls: Vec<Call> = of_order
            .iter()
            .filter_map(|ticket| {
                let path = format!("/v1/kitchen/tickets/{}/state", ticket["id"].as_str()?);
                Some(Call::post(path, json!({ "state": to })).under(self.person.key()).by(&self.account.credential))
            })
            .collect();
        if let [one, two, ..] = &calls[..] {
            let (here, there) = (self.person.server(), self.person.server());
            tokio::join!(self.person.ask_at(here, one), self.person.ask_at(there, two));
        }
        for call in &calls {
            let answer = self.person.insist(call).await?;
            self.account.understand(&mut self.person, &answer).await?;
        }
        Some(())
    }
}
