use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

use crate::{Timestamp, account::Administrator, notice::Notice, page::Page, page::PageLimit};

use super::Unavailable;

/// Notices in the order of their transactions, and where they end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeBatch {
    /// The notices, without those that make no sense and were put aside.
    pub notices: Vec<Notice>,
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

/// A notice that has to be told later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    /// The notice.
    pub event: i64,
    /// Its stream, whose later notices wait for it.
    pub stream: uuid::Uuid,
    /// How often it was tried: not at all where it waits for an earlier one.
    pub attempts: u32,
    /// When to try.
    pub next_at: Timestamp,
    /// What went wrong.
    pub error: String,
}

/// A notice that is due again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueNotice {
    /// Names the retry.
    pub id: i64,
    /// The notice.
    pub notice: Notice,
    /// How often it was tried.
    pub attempts: u32,
}

/// What becomes of a notice that was tried once more.
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

/// A notice that was put aside.
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
    /// Of which order, or dish.
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
/// At a time one server tells a subscriber; when it dies another goes on, from what was recorded last. So a notice may be told twice, and is never
/// left out; those of a stream are told in their order. An event that makes no sense, because somebody wrote past the rules, is put aside as
/// what was refused too often is, and nobody waits for it.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Outbox: Send + Sync {
    /// What a subscriber has not been told yet; one that is new is told of what happens from now on. `None`: another server is at it.
    async fn next(&self, subscriber: &str, limit: u32) -> Result<Option<NoticeBatch>, Unavailable>;

    /// A batch is dealt with: told, but for these.
    async fn advance(
        &self,
        subscriber: &str,
        position: OutboxPosition,
        undelivered: Vec<Undelivered>,
    ) -> Result<(), Unavailable>;

    /// Takes for half a minute what is due again: of each stream the earliest.
    async fn take_due(&self, subscriber: &str, limit: u32) -> Result<Vec<DueNotice>, Unavailable>;

    /// Records how that went.
    async fn retried(&self, id: i64, outcome: RetryOutcome) -> Result<(), Unavailable>;

    /// What was put aside, oldest first.
    async fn dead_letters(&self, after: Option<i64>, limit: PageLimit) -> Result<Page<DeadLetter>, Unavailable>;

    /// Has a dead letter tried again.
    async fn resend(&self, id: i64, by: Administrator, at: Timestamp) -> Result<(), ResendError>;

    /// For metrics.
    async fn state(&self, subscriber: &str) -> Result<OutboxState, Unavailable>;
}
