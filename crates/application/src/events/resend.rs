use comanda_domain::{
    Administrator, PageLimit,
    ports::{Idempotent, ResendError},
};

use super::Events;
use crate::IdempotentRequest;

impl Events {
    /// Has a dead letter sent again.
    pub async fn resend(
        &self,
        by: Administrator,
        id: i64,
        request: Option<IdempotentRequest>,
    ) -> Result<Idempotent<()>, ResendError> {
        let idempotency = request.map(|request| request.by(by.account_id()));
        self.outbox.resend(id, Some(by), &self.served, self.clock.now(), idempotency).await
    }

    /// The same for whoever holds the keys to the deployment, on the command line.
    pub async fn resend_as_operator(&self, id: i64) -> Result<(), ResendError> {
        self.outbox.resend(id, None, &self.served, self.clock.now(), None).await.map(|_| ())
    }

    /// Has all dead letters of a subscriber sent again, each in a transaction of its own. Returns how many, if it fails
    /// halfway as well.
    pub async fn resend_all_as_operator(&self, subscriber: &str) -> (u64, Result<(), ResendError>) {
        let mut resent = 0;
        let outcome = self.resend_all(subscriber, &mut resent).await;
        (resent, outcome)
    }

    async fn resend_all(&self, subscriber: &str, resent: &mut u64) -> Result<(), ResendError> {
        let mut after = None;
        loop {
            let page = self.outbox.dead_letters(after, PageLimit::LARGEST).await?;
            for letter in page.entries.iter().filter(|letter| letter.subscriber == subscriber) {
                match self.resend_as_operator(letter.id).await {
                    Ok(()) => *resent += 1,
                    // Somebody else was faster.
                    Err(ResendError::NotFound) => {}
                    Err(error) => return Err(error),
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use comanda_domain::{
        Page,
        ports::{DeadLetter, MockOutbox, Unavailable},
    };
    use uuid::Uuid;

    use super::*;
    use crate::{events::RetryTerms, sample};

    fn letter(id: i64, subscriber: &str) -> DeadLetter {
        DeadLetter {
            id,
            subscriber: subscriber.to_owned(),
            event: id,
            kind: "order.placed".to_owned(),
            stream: Uuid::nil(),
            occurred_at: sample::now(),
            attempts: 100,
            error: "refused".to_owned(),
        }
    }

    #[tokio::test]
    async fn all_of_a_subscriber_are_resent_page_by_page_and_no_others() {
        let mut outbox = MockOutbox::new();
        outbox.expect_dead_letters().times(2).returning(|after, _| {
            Ok(match after {
                None => {
                    Page { entries: vec![letter(1, "kitchen"), letter(2, "mail")], next: Some(2), unreadable: vec![] }
                }
                Some(_) => {
                    Page { entries: vec![letter(3, "kitchen"), letter(4, "kitchen")], next: None, unreadable: vec![] }
                }
            })
        });
        outbox.expect_resend().times(3).returning(|id, by, served, _, _| {
            assert!(by.is_none() && served == ["kitchen"]);
            if id == 3 { Err(ResendError::NotFound) } else { Ok(Idempotent { outcome: (), replayed: false }) }
        });
        let (resent, outcome) = events(outbox).resend_all_as_operator("kitchen").await;
        outcome.unwrap();
        assert_eq!(resent, 2);
    }

    #[tokio::test]
    async fn how_many_were_resent_is_said_although_one_could_not_be() {
        let mut outbox = MockOutbox::new();
        outbox.expect_dead_letters().once().returning(|_, _| {
            Ok(Page { entries: vec![letter(1, "kitchen"), letter(2, "kitchen")], next: None, unreadable: vec![] })
        });
        outbox.expect_resend().times(2).returning(|id, _, _, _, _| match id {
            1 => Ok(Idempotent { outcome: (), replayed: false }),
            _ => Err(Unavailable::new("too slow").into()),
        });
        let (resent, outcome) = events(outbox).resend_all_as_operator("kitchen").await;
        assert!(resent == 1 && outcome.is_err());
    }

    fn events(outbox: MockOutbox) -> Events {
        let retries = RetryTerms { first_pause: Duration::ZERO, longest_pause: Duration::ZERO, attempts: 1 };
        let (outbox, served) = (Arc::new(outbox), vec!["kitchen".to_owned()]);
        Events { outbox, clock: sample::clock(), retries, served }
    }
}
