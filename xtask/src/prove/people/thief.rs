use crate::prove::{
    account::Account,
    person::{Call, Person},
};

/// Somebody who refreshes a session all the time, and a thief, who has a copy of every refresh token.
pub struct Thief {
    person: Person,
    owner: Person,
    account: Account,
}

impl Thief {
    pub async fn enter(person: Person, mut owner: Person) -> Option<Self> {
        let account = Account::register(&mut owner).await?;
        Some(Self { person, owner, account })
    }

    pub async fn work(mut self) {
        while self.person.goes_on() && self.step().await.is_some() {
            self.person.think(300).await;
        }
    }

    async fn step(&mut self) -> Option<()> {
        match self.person.pick(&[0, 0, 0, 0, 1, 1, 2, 3, 4]) {
            Some(0) => self.account.refresh(&mut self.owner).await,
            Some(1) => self.refresh_twice_at_once().await,
            Some(2) => self.steal().await,
            Some(3) => {
                self.account.haunt(&mut self.person, "/v1/orders?limit=1").await;
                Some(())
            }
            _ => self.use_session().await,
        }
    }

    /// As two windows of one program do. Both get the same token, however many servers are asked.
    async fn refresh_twice_at_once(&mut self) -> Option<()> {
        let (here, there) = (self.owner.server(), self.owner.server());
        let call = self.account.refreshing();
        let both = tokio::join!(self.owner.ask_at(here, &call), self.owner.ask_at(there, &call));
        let (good, bad): (Vec<_>, Vec<_>) =
            [both.0, both.1].into_iter().flatten().partition(|answer| answer.status == 200);
        for answer in good.into_iter().chain(bad.into_iter().take(1)) {
            self.account.take_refreshed(&mut self.owner, Some(answer)).await?;
        }
        Some(())
    }

    /// The thief is late. Then neither of the two has a session any more, whatever they have been given.
    async fn steal(&mut self) -> Option<()> {
        let Some(late) = self.account.refreshing_again(&mut self.person) else { return Some(()) };
        self.person.insist(&late).await?;
        self.person.ask(&self.account.refreshing()).await;
        self.use_session().await
    }

    async fn use_session(&mut self) -> Option<()> {
        let call = Call::get("/v1/me").by(&self.account.credential);
        match self.owner.ask(&call).await {
            Some(answer) => self.account.understand(&mut self.owner, &answer).await,
            None => Some(()),
        }
    }
}
