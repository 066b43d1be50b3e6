//! The queue in which orders wait to be decided.

use std::{sync::Arc, time::Duration};

use comanda_domain::{
    NewOrder, OrderWithLines,
    ports::{Idempotent, MenuObserver, PlaceOrderError, Unavailable},
};
use metrics::counter;
use thiserror::Error;
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    time::Instant,
};
use tracing::Span;

use super::{
    PlacementConfig,
    committer::Committer,
    repetitions::{self, Place, Repetitions},
    transaction::Decision,
};
use crate::{Database, database::in_time};

/// Why an order was not decided.
#[derive(Clone, Copy, Debug, Error)]
pub(super) enum Undecided {
    #[error("too many orders are waiting")]
    QueueFull,
    #[error("the server is shutting down")]
    Closed,
    #[error("no decision in time")]
    DeadlinePassed,
}

impl From<Undecided> for PlaceOrderError {
    fn from(error: Undecided) -> Self {
        Self::Unavailable(match error {
            Undecided::QueueFull => Unavailable::overloaded(error),
            Undecided::Closed | Undecided::DeadlinePassed => Unavailable::new(error),
        })
    }
}

pub(super) struct Waiting {
    pub(super) order: NewOrder,
    pub(super) deadline: Instant,
    /// With less time left than this, the order is not begun: running out of time, it would set the whole batch back.
    at_least: Duration,
    pub(super) response: oneshot::Sender<Decision>,
    /// Where repetitions of the request wait, if it has a key.
    pub(super) place: Option<Place>,
    /// The request's span.
    pub(super) span: Span,
}

impl Waiting {
    /// Whether the client still waits, and for long enough.
    pub(super) fn is_in_time(&self, now: Instant) -> bool {
        !self.response.is_closed() && self.deadline > now + self.at_least
    }

    /// Whether anybody still waits for long enough: the client, or one who has repeated the request.
    pub(super) fn is_to_be_decided(&self, now: Instant) -> bool {
        self.is_in_time(now) || self.place.as_ref().is_some_and(|place| place.is_awaited(now))
    }

    /// When nobody waits any more.
    pub(super) fn last_deadline(&self) -> Instant {
        let repetitions = self.place.as_ref().and_then(Place::deadline);
        repetitions.map_or(self.deadline, |deadline| deadline.max(self.deadline))
    }
}

pub(in crate::orders) struct PlacementQueue {
    sender: mpsc::Sender<Waiting>,
    repetitions: Repetitions,
    deadline: Duration,
    /// Locked for as long as the committer runs.
    committer: Mutex<Committer>,
}

impl PlacementQueue {
    pub(in crate::orders) fn new(database: Database, config: PlacementConfig, observer: Arc<dyn MenuObserver>) -> Self {
        let (sender, queue) = mpsc::channel(config.queue_capacity);
        let deadline = config.deadline;
        let repetitions = Repetitions::default();
        let committer = Committer::new(database, config, observer, queue, repetitions.clone());
        Self { sender, repetitions, deadline, committer: Mutex::new(committer) }
    }

    pub(in crate::orders) async fn place(
        &self,
        order: NewOrder,
    ) -> Result<Idempotent<OrderWithLines>, PlaceOrderError> {
        let (response, decision) = oneshot::channel();
        let limit = in_time(self.deadline);
        let deadline = Instant::now() + limit;
        let span = Span::current();
        let waiting = Waiting { order, deadline, at_least: limit / 10, response, place: None, span };
        if let Some(waiting) = self.repetitions.enter(waiting) {
            self.queue(waiting);
        }
        match tokio::time::timeout_at(deadline, decision).await {
            Ok(Ok(decision)) => decision,
            Ok(Err(_)) => comanda_task::given_up("a batch of orders"),
            Err(_) => Err(Undecided::DeadlinePassed.into()),
        }
    }

    fn queue(&self, waiting: Waiting) {
        let (refused, why) = match self.sender.try_send(waiting) {
            Ok(()) => return,
            Err(mpsc::error::TrySendError::Full(refused)) => {
                counter!("comanda_placement_refused_total").increment(1);
                (refused, Undecided::QueueFull)
            }
            Err(mpsc::error::TrySendError::Closed(refused)) => (refused, Undecided::Closed),
        };
        // What came beside it in the meantime is refused with it.
        let mut next = Some(refused);
        while let Some(refused) = next {
            next = repetitions::respond(refused, Err(why.into()));
        }
    }

    /// Commits orders until `shutdown`, and then those that are still waiting; calls `on_success` after every batch
    /// in which an order was decided.
    pub(in crate::orders) async fn commit(
        &self,
        shutdown: impl Future<Output = ()> + Send,
        on_success: impl FnMut() + Send,
    ) {
        Box::pin(self.committer.lock().await.run(shutdown, on_success)).await;
    }
}
