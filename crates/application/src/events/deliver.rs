use std::{collections::HashMap, mem, sync::Arc, time::Duration};

use comanda_domain::{
    Event, Timestamp,
    ports::{Causes, DueEvent, Notifier, NotifyError, RetryOutcome, Unavailable, Undelivered},
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

    /// How long all attempts take that fail at once: what is away for less long loses nothing.
    pub fn outlast(&self) -> Duration {
        (1..self.attempts).map(|attempts| self.pause_after(attempts)).sum()
    }
}

/// How a round of deliveries went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    pub delivered: u64,
    pub failed: u64,
    /// Not attempted: the receiver failed before, and is left alone for a while.
    pub put_off: u64,
    /// Why the last of those failed that did.
    pub cause: Option<String>,
    /// Those of the failed that were put aside as dead letters.
    pub put_aside: Vec<PutAside>,
    /// There may be more to deliver at once.
    pub more: bool,
}

impl Delivered {
    fn and(mut self, other: Self) -> Self {
        self.put_aside.extend(other.put_aside);
        Self {
            delivered: self.delivered + other.delivered,
            failed: self.failed + other.failed,
            put_off: self.put_off + other.put_off,
            cause: other.cause.or(self.cause),
            put_aside: self.put_aside,
            more: self.more || other.more,
        }
    }
}

/// An event that has become a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutAside {
    pub event: i64,
    /// How often its delivery was attempted.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub error: String,
}

/// Why an event was not delivered.
enum Failure {
    /// It was attempted.
    Failed(String),
    /// It was not, and need not be before that.
    PutOff(Duration),
}

/// An event of a batch that was not delivered.
struct Left {
    undelivered: Undelivered,
    is_put_off: bool,
}

/// A receiver of events.
pub struct Subscriber {
    /// The name under which the outbox remembers what was delivered. It must never change.
    pub name: String,
    /// What it was called before it got that name.
    pub formerly: Option<String>,
    pub notifier: Arc<dyn Notifier>,
}

/// How many events one round takes.
const BATCH: u32 = 500;

/// How many streams are delivered at the same time.
const AT_ONCE: usize = 64;

impl Events {
    /// Delivers events to one subscriber, each at least once, and those of each order in their order.
    ///
    /// Runs one round: what is due again, then what is new, if this server has the lease. If something fails, the round
    /// is what was done all the same.
    pub async fn deliver(&self, subscriber: &Subscriber) -> (Delivered, Result<(), Unavailable>) {
        let mut round = Delivered::default();
        // What cannot be repeated keeps nothing that is new.
        let repeated = isolated(self.deliver_again(subscriber, &mut round), Unavailable::new).await;
        let new = isolated(self.deliver_new(subscriber), Unavailable::new).await;
        let new = new.map(|new| round = mem::take(&mut round).and(new));
        (round, repeated.and(new))
    }

    async fn deliver_again(&self, subscriber: &Subscriber, round: &mut Delivered) -> Result<(), Unavailable> {
        let due = self.outbox.take_due(&subscriber.name, BATCH).await?;
        round.more = due.len() == BATCH as usize;
        let retried: Vec<Result<Delivered, Unavailable>> = stream::iter(due)
            .map(|due| isolated(self.retry(&*subscriber.notifier, due), Unavailable::new))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut outcome = Ok(());
        for one in retried {
            match one {
                Ok(one) => *round = mem::take(round).and(one),
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    async fn deliver_new(&self, subscriber: &Subscriber) -> Result<Delivered, Unavailable> {
        let mut round = Delivered::default();
        let Some(batch) = self.outbox.next(&subscriber.name, BATCH).await? else { return Ok(round) };
        let Some(position) = batch.position else { return Ok(round) };
        round.more = batch.is_full;
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
        let left: Vec<Vec<Left>> = stream::iter(streams)
            .map(|events| self.deliver_stream(&*subscriber.notifier, events))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let left: Vec<Left> = left.into_iter().flatten().collect();
        let put_off = left.iter().filter(|left| left.is_put_off).count();
        round.put_off += put_off as u64;
        let undelivered: Vec<Undelivered> = left.into_iter().map(|left| left.undelivered).collect();
        let failed: Vec<&Undelivered> = undelivered.iter().filter(|undelivered| undelivered.attempts > 0).collect();
        round.cause = failed.last().map(|failed| failed.error.clone()).or(round.cause);
        round.failed += failed.len() as u64;
        round.delivered += (total - undelivered.len()) as u64;
        let is_untouched = undelivered.len() == total && undelivered.iter().all(|left| left.attempts == 0);
        if put_off > 0 && is_untouched {
            // The receiver is left alone: what is new stays where it is, in its order, until it is back.
            return Ok(Delivered { more: false, ..round });
        }
        self.outbox.advance(&subscriber.name, position, undelivered).await?;
        Ok(round)
    }

    /// Delivers the events of one stream, one after the other; after the first that fails the others wait.
    async fn deliver_stream(&self, notifier: &dyn Notifier, events: Vec<Event>) -> Vec<Left> {
        let mut left: Vec<Left> = Vec::new();
        for event in events {
            let (attempts, pause, error, is_put_off) = if event.is_held || !left.is_empty() {
                (0, Duration::ZERO, "waits for an earlier one".to_owned(), false)
            } else {
                match self.notify(notifier, &event).await {
                    Ok(()) => continue,
                    Err(Failure::Failed(error)) => (1, self.retries.pause_after(1), error, false),
                    Err(Failure::PutOff(pause)) => (0, pause, "the receiver is left alone".to_owned(), true),
                }
            };
            let next_at = self.clock.now() + pause;
            let undelivered = Undelivered { event: event.id, stream: event.stream, attempts, next_at, error };
            left.push(Left { undelivered, is_put_off });
        }
        left
    }

    /// A round of one.
    async fn retry(&self, notifier: &dyn Notifier, due: DueEvent) -> Result<Delivered, Unavailable> {
        let attempts = due.attempts + 1;
        let (outcome, round) = match self.notify(notifier, &due.event).await {
            Ok(()) => (RetryOutcome::Delivered, Delivered { delivered: 1, ..Delivered::default() }),
            Err(Failure::PutOff(pause)) => {
                let until: Timestamp = self.clock.now() + pause;
                (RetryOutcome::PutOff { until }, Delivered { put_off: 1, ..Delivered::default() })
            }
            Err(Failure::Failed(error)) => {
                let mut round = Delivered { failed: 1, cause: Some(error.clone()), ..Delivered::default() };
                if attempts >= self.retries.attempts {
                    round.put_aside.push(PutAside { event: due.event.id, attempts, error: error.clone() });
                    (RetryOutcome::Dead { error }, round)
                } else {
                    let next_at: Timestamp = self.clock.now() + self.retries.pause_after(attempts);
                    (RetryOutcome::Later { next_at, error }, round)
                }
            }
        };
        self.outbox.retried(&due, outcome).await?;
        Ok(round)
    }

    /// One that panics is as one that fails: it is attempted again later, and at last a dead letter.
    async fn notify(&self, notifier: &dyn Notifier, event: &Event) -> Result<(), Failure> {
        let outcome = isolated(async { notifier.notify(event).await }, |panic| Unavailable::new(panic).into()).await;
        outcome.map_err(|error| match &error {
            NotifyError::Unavailable(cause) if !cause.was_attempted() => {
                Failure::PutOff(cause.wait().unwrap_or(self.retries.first_pause))
            }
            error => Failure::Failed(Causes(error).to_string()),
        })
    }
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
        Events { outbox: Arc::new(outbox), clock: sample::clock(), retries: TERMS, served: vec!["kitchen".to_owned()] }
    }

    fn subscriber(notifier: MockNotifier) -> Subscriber {
        Subscriber { name: "kitchen".to_owned(), formerly: None, notifier: Arc::new(notifier) }
    }

    fn outbox(due: Vec<DueEvent>, events: Vec<Event>) -> MockOutbox {
        let mut outbox = MockOutbox::new();
        outbox.expect_take_due().returning(move |_, _| Ok(due.clone()));
        outbox.expect_next().returning(move |_, _| {
            let position = (!events.is_empty()).then_some(OutboxPosition { transaction: 7, event: 9 });
            Ok(Some(EventBatch { events: events.clone(), position, is_full: false }))
        });
        outbox
    }

    /// A round in which nothing else fails.
    async fn round(outbox: MockOutbox, notifier: MockNotifier) -> Delivered {
        let (round, outcome) = events(outbox).deliver(&subscriber(notifier)).await;
        outcome.unwrap();
        round
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
        let round = round(outbox, notifier).await;
        let cause = Some("refused: 500".to_owned());
        assert_eq!(round, Delivered { delivered: 1, failed: 1, cause, ..Delivered::default() });
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
            let round = round(outbox, notifier).await;
            assert_eq!((round.failed, round.cause.as_deref()), (1, Some("unavailable: refused")));
            assert_eq!(round.put_aside.first().map(|aside| (aside.event, aside.attempts)), dead.then_some((1, 3)));
        }
    }

    /// As a breaker that is open says it.
    fn left_alone() -> NotifyError {
        Unavailable::new("too many calls failed").retry_after(Duration::from_secs(7)).unattempted().into()
    }

    #[tokio::test]
    async fn what_was_not_attempted_counts_as_no_attempt_and_what_is_new_stays_in_the_outbox() {
        // Another failure would make it a dead letter.
        let due = DueEvent { id: 5, event: event(1, 1, false), attempts: 2, taken_until: Timestamp::UNIX_EPOCH };
        let mut outbox = outbox(vec![due], vec![event(2, 2, false), event(3, 2, false), event(4, 1, true)]);
        outbox
            .expect_retried()
            .once()
            .withf(|_, outcome| *outcome == RetryOutcome::PutOff { until: sample::now() + Duration::from_secs(7) })
            .returning(|_, _| Ok(()));
        outbox.expect_advance().never();
        let mut notifier = MockNotifier::new();
        notifier.expect_notify().times(2).returning(|_| Err(left_alone()));
        let round = round(outbox, notifier).await;
        assert_eq!(round, Delivered { put_off: 2, ..Delivered::default() });
    }

    #[tokio::test]
    async fn a_batch_of_which_one_was_attempted_goes_on_and_the_others_have_no_attempt() {
        let mut outbox = outbox(vec![], vec![event(1, 1, false), event(2, 2, false)]);
        outbox
            .expect_advance()
            .once()
            .withf(|_, _, undelivered| {
                let mut left: Vec<_> = undelivered.iter().map(|left| (left.event, left.attempts)).collect();
                left.sort_unstable();
                left == [(1, 1), (2, 0)]
                    && undelivered.iter().any(|left| left.next_at == sample::now() + Duration::from_secs(7))
            })
            .returning(|_, _, _| Ok(()));
        let mut notifier = MockNotifier::new();
        notifier.expect_notify().times(2).returning(|event| match event.id {
            1 => Err(Unavailable::new("no route").into()),
            _ => Err(left_alone()),
        });
        let round = round(outbox, notifier).await;
        let cause = Some("unavailable: no route".to_owned());
        assert_eq!(round, Delivered { failed: 1, put_off: 1, cause, ..Delivered::default() });
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
        let round = round(outbox, notifier).await;
        assert_eq!((round.delivered, round.failed, round.more), (1, 2, false));
    }

    #[tokio::test]
    async fn while_nothing_can_be_repeated_what_is_new_is_delivered() {
        let mut outbox = MockOutbox::new();
        outbox.expect_take_due().once().returning(|_, _| Err(Unavailable::new("too slow")));
        outbox.expect_next().once().returning(|_, _| {
            let position = Some(OutboxPosition { transaction: 7, event: 9 });
            Ok(Some(EventBatch { events: vec![event(1, 1, false)], position, is_full: false }))
        });
        outbox.expect_advance().once().withf(|_, _, undelivered| undelivered.is_empty()).returning(|_, _, _| Ok(()));
        let mut notifier = MockNotifier::new();
        notifier.expect_notify().once().returning(|_| Ok(()));
        let (round, outcome) = events(outbox).deliver(&subscriber(notifier)).await;
        assert!(round.delivered == 1 && outcome.is_err(), "it is said all the same");
    }

    #[tokio::test]
    async fn what_was_put_aside_is_said_although_something_fails_afterwards() {
        let due = |id, stream| DueEvent {
            id,
            event: event(id, stream, false),
            attempts: 2,
            taken_until: Timestamp::UNIX_EPOCH,
        };
        let mut outbox = MockOutbox::new();
        outbox.expect_take_due().once().returning(move |_, _| Ok(vec![due(1, 1), due(2, 2), due(3, 3)]));
        outbox.expect_retried().times(3).returning(|due, _| match due.id {
            2 => Err(Unavailable::new("too slow")),
            _ => Ok(()),
        });
        outbox.expect_next().once().returning(|_, _| Err(Unavailable::new("a kind of a newer server's")));
        let mut notifier = MockNotifier::new();
        notifier.expect_notify().times(3).returning(|_| Err(Unavailable::new("refused").into()));
        let (round, outcome) = events(outbox).deliver(&subscriber(notifier)).await;
        let mut aside: Vec<i64> = round.put_aside.iter().map(|aside| aside.event).collect();
        aside.sort_unstable();
        assert_eq!((aside, round.failed, round.cause.as_deref()), (vec![1, 3], 2, Some("unavailable: refused")));
        assert!(outcome.is_err());
    }

    #[tokio::test]
    async fn what_another_server_delivers_is_left_to_it() {
        let mut outbox = MockOutbox::new();
        outbox.expect_take_due().returning(|_, _| Ok(Vec::new()));
        outbox.expect_next().once().returning(|_, _| Ok(None));
        assert_eq!(round(outbox, MockNotifier::new()).await, Delivered::default());
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pauses: Vec<u64> = (0..9).map(|attempts| TERMS.pause_after(attempts).as_secs()).collect();
        assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(RetryTerms { attempts: 9, ..TERMS }.outlast().as_secs(), 1 + 2 + 4 + 8 + 16 + 32 + 60 + 60);
    }
}
