use async_trait::async_trait;

use super::Unavailable;
use crate::{OrderId, OrderScope, OrderWithLines, StationId, StreamPosition, Ticket, Timestamp};

/// What a stream begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening<T> {
    /// What is watched, as it is.
    pub shown: T,
    /// The position that this is true for.
    pub position: StreamPosition,
    /// Whether everything after the position that the caller has come to can still be read: then nothing has to be
    /// shown first.
    pub resumes: bool,
}

/// Something as it was after one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    /// An order, with its lines.
    Order(OrderWithLines),
    /// A ticket. Where several changes follow one another, only the last may be told.
    Ticket(Ticket),
}

/// An update, and its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedUpdate {
    /// The transaction of the event.
    pub transaction: i64,
    /// The event.
    pub event: i64,
    /// The update.
    pub update: Update,
}

/// What somebody watches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// These orders.
    pub orders: Vec<OrderId>,
    /// All tickets, or none.
    pub tickets: bool,
}

/// What was read after a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Updates {
    /// Updates of what is watched, in the order of their events.
    pub updates: Vec<PlacedUpdate>,
    /// Everything up to here was read. If it is of another history than what was asked for, nothing was read.
    pub reached: StreamPosition,
    /// Whether there is more.
    pub more: bool,
}

/// Changes of orders and tickets, as they are committed.
///
/// Every change is an event, in the transaction that made it; what is read here is in the order of the outbox, and what
/// a crash could still undo is not shown.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait LiveUpdates: Send + Sync {
    /// An order within the scope, and whether a stream can go on from `from`. `None`: there is no such order.
    ///
    /// A position can be resumed from only where it was given, while the events after it are kept, and are not too
    /// many.
    async fn open_order(
        &self,
        id: OrderId,
        scope: OrderScope,
        from: Option<StreamPosition>,
    ) -> Result<Option<Opening<OrderWithLines>>, Unavailable>;

    /// The tickets of the kitchen, or of one station, that are open, or ready since that moment, the oldest first. Of
    /// more than [`OPEN_TICKETS_SHOWN`](crate::OPEN_TICKETS_SHOWN) that are open, the oldest. `None`: there is no such
    /// station. As for orders otherwise.
    async fn open_kitchen(
        &self,
        station: Option<StationId>,
        ready_since: Timestamp,
        from: Option<StreamPosition>,
    ) -> Result<Option<Opening<Vec<Ticket>>>, Unavailable>;

    /// The updates after a position, out of the next events, of which at most `limit` are looked at. Each shows its
    /// subject with the version that it got then. No version of anything is told twice.
    async fn after(&self, from: StreamPosition, watched: Watched, limit: u32) -> Result<Updates, Unavailable>;
}
