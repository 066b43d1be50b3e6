use rand::RngExt;

use crate::prove::{
    account::Account,
    person::{Call, Person},
};

/// Somebody who is of the staff now and then, and tries whether they still are.
pub struct Floater {
    person: Person,
    account: Account,
}

impl Floater {
    pub async fn enter(mut person: Person) -> Option<Self> {
        let mut account = Account::register(&mut person).await?;
        account.is_certain = false;
        Some(Self { person, account })
    }

    /// Whom to appoint and to dismiss.
    pub fn id(&self) -> String {
        self.account.id().to_string()
    }

    pub fn email(&self) -> String {
        self.account.email.clone()
    }

    pub async fn work(mut self) {
        while self.person.goes_on() {
            let path = ["/v1/kitchen/tickets?limit=1", "/v1/supplies?limit=1", "/v1/me", "/v1/orders?limit=1"]
                [self.person.random.random_range(0..4)];
            if self.person.one_in(3) {
                self.account.haunt(&mut self.person, path).await;
            } else if let Some(answer) = self.person.ask(&Call::get(path).by(&self.account.credential)).await
                && self.account.understand(&mut self.person, &answer).await.is_none()
            {
                return;
            }
            self.person.think(150).await;
        }
    }
}
