//! The queue in which orders wait, and the committer that places all orders that wait in one transaction.
//!
//! The row lock that is held through a commit limits how fast an item in demand can sell; sharing the commit is the way
//! past that limit. The committer never waits for a batch to fill: in an idle shop it commits a single order at once,
//! in a busy one it finds many waiting when it returns. The committer, not the request, owns the transaction, so a
//! client that hangs up cannot leave one open.

use std::{
    pin::pin,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use comanda_domain::{
    KeyRefusal, NewOrder, OrderWithLines,
    ports::{Idempotent, MenuObserver, PlaceOrderError, Unavailable},
};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use thiserror::Error;
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    time::Instant,
};
use tracing::{Instrument, Span};

use super::{
    PlacementConfig,
    repetitions::{self, Place, Repetitions},
    transaction::{self, BatchError, Begun, Decided, Decision},
    turn::{self, Turns},
};
use crate::{
    Database,
    database::{in_time, is_fit},
};

/// Why an order was not decided.
#[derive(Clone, Copy, Debug, Error)]
enum Undecided {
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
    span: Span,
}

impl Waiting {
    /// Whether the client still waits, and for long enough.
    pub(super) fn is_in_time(&self, now: Instant) -> bool {
        !self.response.is_closed() && self.deadline > now + self.at_least
    }

    /// Whether anybody still waits for long enough: the client, or one who has repeated the request.
    fn is_to_be_decided(&self, now: Instant) -> bool {
        self.is_in_time(now) || self.place.as_ref().is_some_and(|place| place.is_awaited(now))
    }

    /// When nobody waits any more.
    fn last_deadline(&self) -> Instant {
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
        let measures = Measures::new();
        let turns = Turns::Alone;
        let committer =
            Committer { database, config, observer, queue, measures, connection: None, turns, begun: Begun::No };
        Self { sender, repetitions: Repetitions::default(), deadline, committer: Mutex::new(committer) }
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
        self.committer.lock().await.run(shutdown, on_success).await;
    }
}

/// Why a batch was not decided.
enum Setback {
    /// One order may be at fault, or another server was faster.
    Rejected(DieselError),
    /// The deadline of an order has passed. None was placed.
    Late,
    Final(PlaceOrderError),
}

/// Metrics of placing orders.
struct Measures {
    waiting: Gauge,
    batch: Histogram,
    conflicts: Counter,
    fallbacks: Counter,
}

impl Measures {
    fn new() -> Self {
        Self {
            waiting: gauge!("comanda_placement_queue_depth"),
            batch: histogram!("comanda_placement_batch_size"),
            conflicts: counter!("comanda_placement_conflicts_total"),
            fallbacks: counter!("comanda_placement_fallbacks_total"),
        }
    }
}

macro_rules! plans_by_index {
    ($set:literal) => {
        concat!(
            $set,
            " enable_seqscan = off; ",
            $set,
            " enable_hashjoin = off; ",
            $set,
            " enable_mergejoin = off; ",
            $set,
            " plan_cache_mode = force_generic_plan"
        )
    };
}

/// Every statement must use indexes, however small the tables were when it was planned: a plan made while `orders` was
/// empty would still scan the table when it has a million rows.
pub(super) const SETTINGS: &str = plans_by_index!("SET");

/// The same for one transaction.
pub(super) const LOCAL_SETTINGS: &str = plans_by_index!("SET LOCAL");

struct Committer {
    database: Database,
    config: PlacementConfig,
    observer: Arc<dyn MenuObserver>,
    queue: mpsc::Receiver<Waiting>,
    measures: Measures,
    /// Outside the pools, so that no flood of reads ever stops orders. Dropped whenever its state is in doubt.
    connection: Option<AsyncPgConnection>,
    turns: Turns,
    /// What there is of the connection's transaction.
    begun: Begun,
}

#[expect(clippy::cast_precision_loss, reason = "queues and batches are short")]
impl Committer {
    async fn run(&mut self, shutdown: impl Future<Output = ()>, mut on_success: impl FnMut()) {
        let mut shutdown = pin!(shutdown);
        let mut waiting = Vec::new();
        let mut closed = false;
        loop {
            let room = self.config.batch_limit - waiting.len();
            if waiting.is_empty() {
                tokio::select! {
                    received = self.queue.recv_many(&mut waiting, room) => if received == 0 { break },
                    () = &mut shutdown, if !closed => {
                        self.queue.close();
                        closed = true;
                    }
                }
            } else {
                waiting.extend(std::iter::from_fn(|| self.queue.try_recv().ok()).take(room));
            }
            if self.turns.are_asked_for() {
                self.take_turn().await;
                // Whoever has come meanwhile.
                let room = self.config.batch_limit - waiting.len();
                waiting.extend(std::iter::from_fn(|| self.queue.try_recv().ok()).take(room));
            }
            self.measures.waiting.set((self.queue.len() + waiting.len()) as f64);
            let Served { decided, undecided } = self.serve(std::mem::take(&mut waiting)).await;
            waiting = undecided;
            if decided {
                on_success();
            }
            self.give_turn_back().await;
            self.measures.waiting.set((self.queue.len() + waiting.len()) as f64);
        }
    }

    /// Waits for a turn, if there is a connection that lets it. Not for long, and less than any order may take.
    async fn take_turn(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        // If it takes too long, wherever the transaction stands, closing its connection ends it.
        match turn::in_time(turn::take(&connection, &mut self.turns)).await {
            Some(Ok(())) => (self.connection, self.begun) = (Some(connection), Begun::InTurn),
            Some(Err(error)) => {
                tracing::debug!(%error, "no turn; orders are placed without");
                (self.connection, self.begun) = (Some(connection), Begun::InTurn);
                self.give_turn_back().await;
            }
            None => {}
        }
    }

    /// Ends a transaction in which nothing was done.
    async fn give_turn_back(&mut self) {
        if std::mem::replace(&mut self.begun, Begun::No) == Begun::No {
            return;
        }
        let Some(mut connection) = self.connection.take() else { return };
        if is_fit(&mut connection)
            && turn::in_time(connection.batch_execute("ROLLBACK")).await.is_some_and(|done| done.is_ok())
        {
            self.connection = Some(connection);
        }
    }

    async fn serve(&mut self, batch: Vec<Waiting>) -> Served {
        let mut served = Served::default();
        let now = Instant::now();
        let (batch, late): (Vec<_>, Vec<_>) = batch.into_iter().partition(|waiting| waiting.is_to_be_decided(now));
        for waiting in late {
            served.respond(waiting, Err(Undecided::DeadlinePassed.into()));
        }
        let Some(deadline) = batch.iter().map(Waiting::last_deadline).min() else { return served };
        self.measures.batch.record(batch.len() as f64);

        let orders: Vec<&NewOrder> = batch.iter().map(|waiting| &waiting.order).collect();
        // The span belongs to the first order's trace; those of the others refer to it.
        let span = tracing::debug_span!(parent: &batch[0].span, "order.place.batch", orders = batch.len());
        for waiting in &batch[1..] {
            span.follows_from(&waiting.span);
        }
        let outcome = async {
            match self.decide(&orders, deadline).await {
                // Most likely another server has placed an order under a key of the batch, between this one's read and
                // write. The next read finds it.
                Err(Setback::Rejected(error)) => {
                    tracing::info!(%error, orders = orders.len(), "a batch of orders was rejected; it is tried again");
                    self.decide(&orders, deadline).await
                }
                outcome => outcome,
            }
        };
        match outcome.instrument(span).await {
            Ok(decisions) => {
                for (waiting, decision) in batch.into_iter().zip(decisions) {
                    served.respond(waiting, decision);
                }
                served.decided = true;
            }
            // Those who have time left go on, with whoever has come since.
            Err(Setback::Late) => served.undecided.extend(batch),
            Err(Setback::Final(error)) => {
                // Each request logs it.
                tracing::debug!(%error, orders = batch.len(), "a batch of orders was not placed");
                if let PlaceOrderError::Unavailable(cause) = &error {
                    self.database.note_orders(Err(cause));
                }
                for waiting in batch {
                    served.respond(waiting, Err(error.clone()));
                }
            }
            Err(Setback::Rejected(error)) => {
                tracing::warn!(%error, orders = batch.len(), "a batch of orders was rejected; trying them one by one");
                self.measures.fallbacks.increment(1);
                for waiting in batch {
                    let decision = self.decide_alone(&waiting.order, waiting.last_deadline()).await;
                    served.decided |= !matches!(decision, Err(PlaceOrderError::Unavailable(_)));
                    served.respond(waiting, decision);
                }
            }
        }
        served
    }

    async fn decide_alone(&mut self, order: &NewOrder, deadline: Instant) -> Decision {
        for _ in 0..2 {
            match self.decide(&[order], deadline).await {
                Ok(mut decisions) => return decisions.pop().unwrap_or_else(|| Err(Undecided::Closed.into())),
                Err(Setback::Late) => return Err(Undecided::DeadlinePassed.into()),
                Err(Setback::Final(error)) => return Err(error),
                // Another server was faster, as with a batch.
                Err(Setback::Rejected(error)) if is_race_for_key(&error) => {}
                Err(Setback::Rejected(error)) => {
                    tracing::error!(%error, "an order violates a constraint");
                    return Err(PlaceOrderError::Unavailable(Unavailable::new(error)));
                }
            }
        }
        Err(KeyRefusal::InProgress.into())
    }

    /// One decision per order, or none at all.
    async fn decide(&mut self, orders: &[&NewOrder], deadline: Instant) -> Result<Vec<Decision>, Setback> {
        let mut reconnected = false;
        loop {
            let committing = AtomicBool::new(false);
            let Ok(attempt) = tokio::time::timeout_at(deadline, self.attempt(orders, &committing)).await else {
                // Wherever the transaction stands, closing its connection ends it.
                self.connection = None;
                self.database.note_late_orders();
                if !committing.into_inner() {
                    return Err(Setback::Late);
                }
                // It may be committed.
                self.observer.menu_changed();
                return Err(Setback::Final(Undecided::DeadlinePassed.into()));
            };
            match attempt {
                Ok(decided) => {
                    if decided.menu_changed {
                        self.observer.menu_changed();
                    }
                    // That orders are refused for reasons of their own says nothing about the others.
                    if decided.is_committed {
                        self.database.note_orders(Ok(()));
                    }
                    return Ok(decided.decisions);
                }
                Err(BatchError::Conflict | BatchError::KeysForgotten) if Instant::now() < deadline => {
                    self.measures.conflicts.increment(1);
                    tokio::task::yield_now().await;
                }
                Err(BatchError::Conflict | BatchError::KeysForgotten) => {
                    return Err(Setback::Final(PlaceOrderError::StockChanged));
                }
                Err(BatchError::Collision) => {
                    tracing::info!("a batch of orders collided with another transaction; it runs again");
                    tokio::task::yield_now().await;
                }
                Err(BatchError::Rejected(error)) => return Err(Setback::Rejected(error)),
                // Nothing was committed: a restarted PostgreSQL deserves a second attempt.
                Err(BatchError::Broken(_)) if !reconnected && self.connection.is_none() => reconnected = true,
                Err(BatchError::Broken(source)) => {
                    return Err(Setback::Final(PlaceOrderError::Unavailable(source)));
                }
                Err(BatchError::CommitUnknown(source)) => {
                    // It may have.
                    self.observer.menu_changed();
                    return Err(Setback::Final(PlaceOrderError::Unavailable(source)));
                }
            }
        }
    }

    async fn attempt(&mut self, orders: &[&NewOrder], committing: &AtomicBool) -> Result<Decided, BatchError> {
        let kept = self.connection.take().and_then(|mut connection| is_fit(&mut connection).then_some(connection));
        let mut connection = match kept {
            Some(connection) => connection,
            None => {
                self.begun = Begun::No;
                let connection = self.database.dedicated(SETTINGS).await.map_err(BatchError::Broken)?;
                let prepared = transaction::prepare(&connection).await;
                prepared.map_err(|error| BatchError::Broken(Unavailable::new(error)))?;
                connection
            }
        };
        let begun = std::mem::replace(&mut self.begun, Begun::No);
        let outcome = transaction::place(&connection, self.database.currency(), orders, begun, committing).await;
        if begun == Begun::No
            && let Ok(decided) = &outcome
        {
            self.turns.after_batch(decided.met_another);
        }
        // A connection goes back only when it is known to be out of the transaction.
        let settled = match &outcome {
            Ok(_) => true,
            Err(BatchError::CommitUnknown(_)) => false,
            // A session that cannot write, for one, rolls back as if nothing were wrong with it.
            Err(_) => is_fit(&mut connection) && connection.batch_execute("ROLLBACK").await.is_ok(),
        };
        if settled {
            self.connection = Some(connection);
        }
        outcome
    }
}

/// Whether an order was rejected because another one was placed under its key in the meantime.
fn is_race_for_key(error: &DieselError) -> bool {
    let DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, information) = error else { return false };
    information.constraint_name() == Some("orders_idempotency")
}

/// What became of a batch.
#[derive(Default)]
struct Served {
    /// Whether at least one order was decided: placed, or refused for a reason of its own.
    decided: bool,
    undecided: Vec<Waiting>,
}

impl Served {
    fn respond(&mut self, waiting: Waiting, decision: Decision) {
        self.undecided.extend(repetitions::respond(waiting, decision));
    }
}
