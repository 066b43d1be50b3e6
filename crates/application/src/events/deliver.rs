use std::{collections::HashMap, sync::Arc, time::Duration};

use comanda_domain::{
    Event, Timestamp,
    ports::{DueEvent, Notifier, NotifyError, RetryOutcome, Unavailable, Undelivered},
};
use comanda_task::isolated;
use futures_util::{StreamExt, stream};
use uuid::Uuid;

use super::Events;

/// How failed deliveries are repeated.
#[derive(Clone, Copy, Debug)]
pub struct RetryTerms {
    /// The pause after the first failure; it doubles with each further one.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// After this many attempts an event is a dead letter.
    pub attempts: u32,
}

impl RetryTerms {
    /// The pause after so many attempts; none before the first.
    pub(crate) fn pause_after(&self, attempts: u32) -> Duration {
        match attempts.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => self.first_pause.saturating_mul(1 << doublings.min(20)).min(self.longest_pause),
        }
    }
}

/// How a round of deliveries went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    pub delivered: u64,
    pub failed: u64,
    /// There may be more to deliver at once.
    pub more: bool,
}

/// A receiver of events.
pub struct Subscriber {
    /// The name under which the outbox remembers what was delivered. It must never change.
    pub name: String,
    pub notifier: Arc<dyn Notifier>,
}

/// How many events one round takes.
const BATCH: u32 = 500;

/// How many streams are delivered at the same time.
const AT_ONCE: usize = 64;

impl Events {
    /// Delivers events to one subscriber, each at least once, and those of each order in their order.
    ///
    /// Runs one round: what is due again, then what is new, if this server has the lease.
    pub async fn deliver(&self, subscriber: &Subscriber) -> Result<Delivered, Unavailable> {
        // What cannot be repeated keeps nothing that is new.
        let repeated = isolated(self.deliver_again(subscriber), Unavailable::new).await;
        let new = isolated(self.deliver_new(subscriber), Unavailable::new).await;
        let (repeated, new) = (repeated?, new?);
        Ok(Delivered {
            delivered: repeated.delivered + new.delivered,
            failed: repeated.failed + new.failed,
            more: repeated.more || new.more,
        })
    }

    async fn deliver_again(&self, subscriber: &Subscriber) -> Result<Delivered, Unavailable> {
        let due = self.outbox.take_due(&subscriber.name, BATCH).await?;
        let mut round = Delivered { more: due.len() == BATCH as usize, ..Delivered::default() };
        let retried: Vec<Result<bool, Unavailable>> = stream::iter(due)
            .map(|due| isolated(self.retry(&*subscriber.notifier, due), Unavailable::new))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        for delivered in retried {
            if delivered? { round.delivered += 1 } else { round.failed += 1 }
        }
        Ok(round)
    }

    async fn deliver_new(&self, subscriber: &Subscriber) -> Result<Delivered, Unavailable> {
        let mut round = Delivered::default();
        let Some(batch) = self.outbox.next(&subscriber.name, BATCH).await? else { return Ok(round) };
        let Some(position) = batch.position else { return Ok(round) };
        round.more = batch.events.len() == BATCH as usize;
        let total = batch.events.len();
        // Streams in the order of their first events.
        let mut order: Vec<Uuid> = Vec::new();
        let mut streams: HashMap<Uuid, Vec<Event>> = HashMap::new();
        for event in batch.events {
            let events = streams.entry(event.stream).or_default();
            if events.is_empty() {
                order.push(event.stream);
            }
            events.push(event);
        }
        let streams = order.into_iter().filter_map(|id| streams.remove(&id));
        let undelivered: Vec<Vec<Undelivered>> = stream::iter(streams)
            .map(|events| self.deliver_stream(&*subscriber.notifier, events))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let undelivered: Vec<Undelivered> = undelivered.into_iter().flatten().collect();
        round.failed += undelivered.iter().filter(|undelivered| undelivered.attempts > 0).count() as u64;
        round.delivered += (total - undelivered.len()) as u64;
        self.outbox.advance(&subscriber.name, position, undelivered).await?;
        Ok(round)
    }

    /// Delivers the events of one stream, one after the other; after the first that fails the others wait.
    async fn deliver_stream(&self, notifier: &dyn Notifier, events: Vec<Event>) -> Vec<Undelivered> {
        let mut undelivered: Vec<Undelivered> = Vec::new();
        for event in events {
            let (attempts, error) = if event.is_held || !undelivered.is_empty() {
                (0, "waits for an earlier one".to_owned())
            } else {
                match notify(notifier, &event).await {
                    Ok(()) => continue,
                    Err(error) => (1, error.to_string()),
                }
            };
            let next_at = self.clock.now() + self.pause_after(attempts);
            undelivered.push(Undelivered { event: event.id, stream: event.stream, attempts, next_at, error });
        }
        undelivered
    }

    /// Returns whether it was delivered.
    async fn retry(&self, notifier: &dyn Notifier, due: DueEvent) -> Result<bool, Unavailable> {
        let (outcome, delivered) = match notify(notifier, &due.event).await {
            Ok(()) => (RetryOutcome::Delivered, true),
            Err(error) if due.attempts + 1 >= self.retries.attempts => {
                (RetryOutcome::Dead { error: error.to_string() }, false)
            }
            Err(error) => {
                let next_at: Timestamp = self.clock.now() + self.pause_after(due.attempts + 1);
                (RetryOutcome::Later { next_at, error: error.to_string() }, false)
            }
        };
        self.outbox.retried(&due, outcome).await?;
        Ok(delivered)
    }

    fn pause_after(&self, attempts: u32) -> Duration {
        self.retries.pause_after(attempts)
    }
}

/// One that panics is as one that fails: it is attempted again later, and at last a dead letter.
async fn notify(notifier: &dyn Notifier, event: &Event) -> Result<(), NotifyError> {
    isolated(async { notifier.notify(event).await }, |panic| Unavailable::new(panic).into()).await
}

#[cfg(test)]
mod tests {
    use comanda_domain::{
        EventKind, MenuItemId, MenuItemName,
        ports::{EventBatch, MockNotifier, MockOutbox, OutboxPosition},
    };

    use super::*;
    use crate::sample;

    const TERMS: RetryTerms =
        RetryTerms { first_pause: Duration::from_secs(1), longest_pause: Duration::from_mins(1), attempts: 3 };

    fn event(id: i64, stream: u128, is_held: bool) -> Event {
        let stream = Uuid::from_u128(stream);
        let name = MenuItemName::new("Carbonara").unwrap();
        let happened = EventKind::ItemSoldOut { id: MenuItemId::new(stream), name };
        Event { id, public_id: Uuid::nil(), stream, occurred_at: sample::now(), happened, is_held }
    }

    fn events(outbox: MockOutbox) -> Events {
        Events { outbox: Arc::new(outbox), clock: sample::clock(), retries: TERMS }
    }

    fn subscriber(notifier: MockNotifier) -> Subscriber {
        Subscriber { name: "kitchen".to_owned(), notifier: Arc::new(notifier) }
    }

    fn outbox(due: Vec<DueEvent>, events: Vec<Event>) -> MockOutbox {
        let mut outbox = MockOutbox::new();
        outbox.expect_take_due().returning(move |_, _| Ok(due.clone()));
        outbox.expect_next().returning(move |_, _| {
            let position = (!events.is_empty()).then_some(OutboxPosition { transaction: 7, event: 9 });
            Ok(Some(EventBatch { events: events.clone(), position }))
        });
        outbox
    }

    #[tokio::test]
    async fn after_a_failure_the_rest_of_its_stream_waits_and_others_go_on() {
        let mut outbox =
            outbox(vec![], vec![event(1, 1, false), event(2, 2, false), event(3, 1, false), event(4, 3, true)]);
        outbox
            .expect_advance()
            .once()
            .withf(|_, position, undelivered| {
                let mut waiting: Vec<(i64, u32)> = undelivered.iter().map(|u| (u.event, u.attempts)).collect();
                waiting.sort_unstable();
                position.event == 9 && waiting == [(1, 1), (3, 0), (4, 0)]
            })
            .returning(|_, _, _| Ok(()));
        let mut notifier = MockNotifier::new();
        notifier.expect_notify().times(2).returning(|event| match event.id {
            1 => Err(NotifyError::Rejected("500".to_owned())),
            _ => Ok(()),
        });
        let round = events(outbox).deliver(&subscriber(notifier)).await.unwrap();
        assert_eq!(round, Delivered { delivered: 1, failed: 1, more: false });
    }

    #[tokio::test]
    async fn what_fails_too_often_is_a_dead_letter_and_nobody_waits_for_it() {
        for (attempts, dead) in [(1, false), (2, true)] {
            let due = DueEvent { id: 5, event: event(1, 1, false), attempts, taken_until: Timestamp::UNIX_EPOCH };
            let mut outbox = outbox(vec![due], vec![]);
            outbox
                .expect_retried()
                .once()
                .withf(move |due, outcome| due.id == 5 && matches!(outcome, RetryOutcome::Dead { .. }) == dead)
                .returning(|_, _| Ok(()));
            let mut notifier = MockNotifier::new();
            notifier.expect_notify().once().returning(|_| Err(Unavailable::new("refused").into()));
            assert_eq!(events(outbox).deliver(&subscriber(notifier)).await.unwrap().failed, 1);
        }
    }

    #[tokio::test]
    async fn a_delivery_that_panics_has_failed_and_the_others_go_on() {
        let due = DueEvent { id: 5, event: event(1, 1, false), attempts: 1, taken_until: Timestamp::UNIX_EPOCH };
        let mut outbox = outbox(vec![due], vec![event(2, 2, false), event(3, 3, false)]);
        outbox
            .expect_retried()
            .once()
            .withf(|_, outcome| matches!(outcome, RetryOutcome::Later { .. }))
            .returning(|_, _| Ok(()));
        outbox
            .expect_advance()
            .once()
            .withf(|_, _, undelivered| undelivered.iter().map(|u| (u.event, u.attempts)).eq([(2, 1)]))
            .returning(|_, _, _| Ok(()));
        let mut notifier = MockNotifier::new();
        notifier.expect_notify().once().withf(|event| event.id == 3).returning(|_| Ok(()));
        for id in [1, 2] {
            notifier.expect_notify().once().withf(move |event| event.id == id).returning(|_| panic!("in this test"));
        }
        let round = events(outbox).deliver(&subscriber(notifier)).await.unwrap();
        assert_eq!(round, Delivered { delivered: 1, failed: 2, more: false });
    }

    #[tokio::test]
    async fn while_nothing_can_be_repeated_what_is_new_is_delivered() {
        let mut outbox = MockOutbox::new();
        outbox.expect_take_due().once().returning(|_, _| Err(Unavailable::new("too slow")));
        outbox.expect_next().once().returning(|_, _| {
            let position = Some(OutboxPosition { transaction: 7, event: 9 });
            Ok(Some(EventBatch { events: vec![event(1, 1, false)], position }))
        });
        outbox.expect_advance().once().withf(|_, _, undelivered| undelivered.is_empty()).returning(|_, _, _| Ok(()));
        let mut notifier = MockNotifier::new();
        notifier.expect_notify().once().returning(|_| Ok(()));
        assert!(events(outbox).deliver(&subscriber(notifier)).await.is_err(), "it is said all the same");
    }

    #[tokio::test]
    async fn what_another_server_delivers_is_left_to_it() {
        let mut outbox = MockOutbox::new();
        outbox.expect_take_due().returning(|_, _| Ok(Vec::new()));
        outbox.expect_next().once().returning(|_, _| Ok(None));
        assert_eq!(events(outbox).deliver(&subscriber(MockNotifier::new())).await.unwrap(), Delivered::default());
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let events = events(MockOutbox::new());
        let pauses: Vec<u64> = (0..9).map(|attempts| events.pause_after(attempts).as_secs()).collect();
        assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
    }
}
