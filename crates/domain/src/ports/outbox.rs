use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

use crate::{Administrator, Event, Page, PageLimit, Timestamp};

use super::Unavailable;

/// Events in the order of their transactions, and where they end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventBatch {
    /// The events, without those that make no sense and were put aside.
    pub events: Vec<Event>,
    /// To be handed back when they are dealt with; `None`: there is nothing new.
    pub position: Option<OutboxPosition>,
}

/// How far a subscriber has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutboxPosition {
    /// The transaction of the last event.
    pub transaction: i64,
    /// Its id.
    pub event: i64,
}

/// A event that has to be told later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    /// The event.
    pub event: i64,
    /// Its stream, whose later events wait for it.
    pub stream: uuid::Uuid,
    /// How often it was tried: not at all where it waits for an earlier one.
    pub attempts: u32,
    /// When to try.
    pub next_at: Timestamp,
    /// What went wrong.
    pub error: String,
}

/// A event that is due again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueEvent {
    /// Names the retry.
    pub id: i64,
    /// The event.
    pub event: Event,
    /// How often it was tried.
    pub attempts: u32,
}

/// What becomes of an event that was tried once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetryOutcome {
    /// Told.
    Delivered,
    /// To be tried again then.
    Later {
        /// When.
        next_at: Timestamp,
        /// What went wrong.
        error: String,
    },
    /// Put aside: nobody waits for it any more.
    Dead {
        /// What went wrong.
        error: String,
    },
}

/// A event that was put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Names it.
    pub id: i64,
    /// To whom.
    pub subscriber: String,
    /// The event.
    pub event: i64,
    /// Of which kind it says it is; not necessarily one that there is.
    pub kind: String,
    /// Of which order, or menu item.
    pub stream: uuid::Uuid,
    /// When, in whole milliseconds.
    pub occurred_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// What went wrong the last time.
    pub error: String,
}

/// Why nothing is sent again.
#[derive(Debug, Error)]
pub enum ResendError {
    /// There is no such dead letter.
    #[error("no such dead letter")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// How a subscriber fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxState {
    /// The age of the oldest event that it was not told of and that is not put aside.
    pub lag: Duration,
    /// How many are put aside.
    pub dead: u64,
}

/// The events that were written in the transactions that caused them, and who was told of them.
///
/// At a time one server tells a subscriber; when it dies another goes on, from what was recorded last. So an event may be told twice, and is never
/// left out; those of a stream are told in their order. An event that makes no sense, because somebody wrote past the rules, is put aside as
/// what was refused too often is, and nobody waits for it.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Outbox: Send + Sync {
    /// What a subscriber has not been told yet; one that is new is told of what happens from now on. `None`: another server is at it.
    async fn next(&self, subscriber: &str, limit: u32) -> Result<Option<EventBatch>, Unavailable>;

    /// A batch is dealt with: told, but for these.
    async fn advance(
        &self,
        subscriber: &str,
        position: OutboxPosition,
        undelivered: Vec<Undelivered>,
    ) -> Result<(), Unavailable>;

    /// Takes for half a minute what is due again: of each stream the earliest.
    async fn take_due(&self, subscriber: &str, limit: u32) -> Result<Vec<DueEvent>, Unavailable>;

    /// Records how that went.
    async fn retried(&self, id: i64, outcome: RetryOutcome) -> Result<(), Unavailable>;

    /// What was put aside, oldest first.
    async fn dead_letters(&self, after: Option<i64>, limit: PageLimit) -> Result<Page<DeadLetter>, Unavailable>;

    /// Has a dead letter tried again.
    async fn resend(&self, id: i64, by: Administrator, at: Timestamp) -> Result<(), ResendError>;

    /// For metrics.
    async fn state(&self, subscriber: &str) -> Result<OutboxState, Unavailable>;
}
