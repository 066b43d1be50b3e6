use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

use crate::{Administrator, Event, Idempotency, KeyRefusal, Page, PageLimit, Timestamp};

use super::{Idempotent, Unavailable};

/// Events in the order of their transactions, and the position of the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventBatch {
    /// The events, without malformed ones, which became dead letters, and without what happens to tickets: the kitchen
    /// reads that by itself.
    pub events: Vec<Event>,
    /// To be passed to [`Outbox::advance`] afterwards; `None`: there is nothing new.
    pub position: Option<OutboxPosition>,
    /// Whether there may be more at once.
    pub is_full: bool,
}

/// How far delivery to a subscriber has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutboxPosition {
    /// The transaction of the last event.
    pub transaction: i64,
    /// The id of the last event.
    pub event: i64,
}

/// An event whose delivery failed or has to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    /// The event.
    pub event: i64,
    /// Its stream, whose later events wait for it.
    pub stream: uuid::Uuid,
    /// How many deliveries were attempted: none if it waits for an earlier event, or its receiver is left alone.
    pub attempts: u32,
    /// When to attempt delivery.
    pub next_at: Timestamp,
    /// What went wrong.
    pub error: String,
}

/// An event that is due again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueEvent {
    /// The id of the retry.
    pub id: i64,
    /// The event.
    pub event: Event,
    /// How many deliveries were attempted.
    pub attempts: u32,
    /// When the lease ends: whoever takes the event afterwards gets another time.
    pub taken_until: Timestamp,
}

/// The outcome of a retry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetryOutcome {
    /// Delivered.
    Delivered,
    /// Not attempted, since the receiver is left alone for a while. Counts as no attempt.
    PutOff {
        /// When to attempt it.
        until: Timestamp,
    },
    /// To be attempted again later.
    Later {
        /// When to attempt it.
        next_at: Timestamp,
        /// What went wrong.
        error: String,
    },
    /// Given up: it becomes a dead letter.
    Dead {
        /// What went wrong.
        error: String,
    },
}

/// An event whose delivery was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The id.
    pub id: i64,
    /// The subscriber.
    pub subscriber: String,
    /// The event.
    pub event: i64,
    /// Its kind as stored, which a malformed event may have made up.
    pub kind: String,
    /// The order or menu item it belongs to.
    pub stream: uuid::Uuid,
    /// When it happened, in whole milliseconds.
    pub occurred_at: Timestamp,
    /// How many deliveries were attempted.
    pub attempts: u32,
    /// What went wrong the last time.
    pub error: String,
}

/// Why a dead letter was not resent.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum ResendError {
    /// There is no such dead letter.
    #[error("no such dead letter")]
    NotFound,
    /// No server delivers to its subscriber: it would never be sent.
    #[error("no server delivers to {subscriber}")]
    NotServed {
        /// The subscriber's name.
        subscriber: String,
    },
    /// The key is not free.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// How far delivery to a subscriber is behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxState {
    /// The age of the oldest event that is neither delivered nor a dead letter.
    pub lag: Duration,
    /// The number of dead letters; of more than a thousand, a thousand.
    pub dead: u64,
}

/// A subscriber that no server delivers to, and what waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unserved {
    /// The subscriber's name.
    pub subscriber: String,
    /// How many events wait; of more than ten thousand, about that many.
    pub waiting: u64,
    /// The number of dead letters; of more than ten thousand, ten thousand.
    pub dead: u64,
}

/// The events, written in the transactions that caused them, and how far their delivery has come.
///
/// One server at a time delivers to a subscriber; if it dies, another goes on from what was recorded last. So an event
/// may be delivered twice, and is never left out; those of a stream are delivered in order. A malformed event becomes a
/// dead letter, as one that was refused too often does, and delays nothing.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Outbox: Send + Sync {
    /// The next events for a subscriber; a new one gets what happens from now on. `None`: another server delivers to
    /// it.
    async fn next(&self, subscriber: &str, limit: u32) -> Result<Option<EventBatch>, Unavailable>;

    /// Records that a batch was delivered, except for these events.
    async fn advance(
        &self,
        subscriber: &str,
        position: OutboxPosition,
        undelivered: Vec<Undelivered>,
    ) -> Result<(), Unavailable>;

    /// Leases for half a minute what is due for a retry: the earliest event per stream.
    async fn take_due(&self, subscriber: &str, limit: u32) -> Result<Vec<DueEvent>, Unavailable>;

    /// Records the outcome of a retry. MUST do nothing if the database has lost the retry and given its id to another
    /// one, and record no failure if the event was taken by somebody else since.
    async fn retried(&self, due: &DueEvent, outcome: RetryOutcome) -> Result<(), Unavailable>;

    /// A page of dead letters, oldest first.
    async fn dead_letters(&self, after: Option<i64>, limit: PageLimit) -> Result<Page<DeadLetter, i64>, Unavailable>;

    /// Puts a dead letter back among the retries, if this server delivers to its subscriber (is one of `served`), or
    /// another one does. `by` is `None` for an operator on the command line.
    async fn resend(
        &self,
        id: i64,
        by: Option<Administrator>,
        served: &[String],
        at: Timestamp,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<()>, ResendError>;

    /// Gives what waits for a subscriber to the one that it is called now, which may have begun already. Returns
    /// whether to deliver to that one: `false` while a server delivers to the former and the new one has not begun,
    /// and while a long backlog is moved. Call it again and again: a server that was set up earlier may bring the
    /// former back.
    async fn rename(&self, from: &str, to: &str) -> Result<bool, Unavailable>;

    /// The subscribers besides these that no server delivers to although something waits for them.
    async fn unserved(&self, served: &[String]) -> Result<Vec<Unserved>, Unavailable>;

    /// How far delivery to a subscriber is behind, for metrics.
    async fn state(&self, subscriber: &str) -> Result<OutboxState, Unavailable>;
}
