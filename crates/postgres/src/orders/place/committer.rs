//! The committer: it places all orders that wait in one transaction.
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
    KeyRefusal, NewOrder,
    ports::{MenuObserver, PlaceOrderError, Unavailable},
};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures_util::{FutureExt, future::OptionFuture, join};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use tokio::{sync::mpsc, time::Instant};
use tracing::Instrument;

use super::{
    PlacementConfig,
    definitions::Definitions,
    flush::{Flusher, Pace, Server, Settled, Unflushed},
    queue::{Undecided, Waiting},
    repetitions::{self, Repetitions},
    transaction::{self, BatchError, Begun, Commit, Decided, Decision, Terms},
    turn::{self, Turns},
};
use crate::{Database, database::is_fit};

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

pub(super) struct Committer {
    database: Database,
    config: PlacementConfig,
    observer: Arc<dyn MenuObserver>,
    queue: mpsc::Receiver<Waiting>,
    repetitions: Repetitions,
    measures: Measures,
    /// Outside the pools, so that no flood of reads ever stops orders. Dropped whenever its state is in doubt.
    connection: Option<AsyncPgConnection>,
    /// The server that the connection leads to.
    server: Option<Server>,
    definitions: Definitions,
    turns: Turns,
    pace: Pace,
    /// What there is of the connection's transaction.
    begun: Begun,
}

#[expect(clippy::cast_precision_loss, reason = "queues and batches are short")]
impl Committer {
    pub(super) fn new(
        database: Database,
        config: PlacementConfig,
        observer: Arc<dyn MenuObserver>,
        queue: mpsc::Receiver<Waiting>,
        repetitions: Repetitions,
    ) -> Self {
        Self {
            database,
            config,
            observer,
            queue,
            repetitions,
            measures: Measures::new(),
            connection: None,
            server: None,
            definitions: Definitions::default(),
            turns: Turns::Alone,
            pace: Pace::default(),
            begun: Begun::No,
        }
    }

    /// Places orders until `shutdown`, and then those that are still waiting; calls `on_success` after every batch in
    /// which an order was decided.
    pub(super) async fn run(&mut self, shutdown: impl Future<Output = ()>, mut on_success: impl FnMut()) {
        let mut shutdown = pin!(shutdown);
        let mut flusher = Flusher::new(self.database.clone(), Arc::clone(&self.observer));
        let mut unflushed = None;
        let mut waiting = Vec::new();
        let mut closed = false;
        loop {
            let is_flushed = unflushed.is_none();
            let early = self.pace.releases_early(self.config.early_release, waiting.len() + self.queue.len() > 1);
            let mut commit = match &self.server {
                Some(server) if early && is_flushed => flusher.prepare(server).await,
                Some(server) if early => flusher.vouches_for(server),
                _ => Commit::Flushed,
            };
            // Beside everything that follows.
            let mut settling = pin!(flusher.settle(unflushed.take()).fuse());
            let mut settled = is_flushed;
            while waiting.is_empty() {
                tokio::select! {
                    received = self.queue.recv_many(&mut waiting, self.config.batch_limit) => if received == 0 {
                        break;
                    },
                    done = &mut settling, if !settled => {
                        settled = true;
                        if done.took.is_none() {
                            commit = Commit::Flushed;
                        }
                        waiting = self.note(done, &mut on_success);
                    },
                    () = &mut shutdown, if !closed => {
                        self.queue.close();
                        closed = true;
                    }
                }
            }
            if waiting.is_empty() && settled {
                break;
            }
            let settling = OptionFuture::from((!settled).then_some(settling));
            let (served, done) = join!(self.take_turn_and_serve(std::mem::take(&mut waiting), commit), settling);
            waiting = done.map(|done| self.note(done, &mut on_success)).unwrap_or_default();
            waiting.extend(served.undecided);
            unflushed = served.unflushed;
            if served.decided {
                on_success();
            }
            self.give_turn_back().await;
            self.measures.waiting.set((self.queue.len() + waiting.len()) as f64);
        }
    }

    async fn take_turn_and_serve(&mut self, mut waiting: Vec<Waiting>, commit: Commit) -> Served {
        self.top_up(&mut waiting);
        if self.turns.are_asked_for() && !waiting.is_empty() {
            self.take_turn().await;
            // Whoever has come meanwhile.
            self.top_up(&mut waiting);
        }
        self.measures.waiting.set((self.queue.len() + waiting.len()) as f64);
        self.serve(waiting, commit).await
    }

    fn top_up(&mut self, waiting: &mut Vec<Waiting>) {
        let room = self.config.batch_limit.saturating_sub(waiting.len());
        waiting.extend(std::iter::from_fn(|| self.queue.try_recv().ok()).take(room));
    }

    /// Returns the orders that are left to be decided.
    fn note(&mut self, settled: Settled, on_success: &mut impl FnMut()) -> Vec<Waiting> {
        if let Some(took) = settled.took {
            self.pace.note_flush(took);
        }
        if settled.decided {
            on_success();
        }
        settled.undecided
    }

    /// Waits for a turn, if there is a connection that lets it. Not for long, and less than any order may take.
    async fn take_turn(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        // If it takes too long, wherever the transaction stands, closing its connection ends it.
        let wait = turn::wait_of(self.pace.whole_batch());
        match turn::in_time(wait, turn::take(&connection, &mut self.turns, wait)).await {
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
            && turn::in_time(Duration::ZERO, connection.batch_execute("ROLLBACK"))
                .await
                .is_some_and(|done| done.is_ok())
        {
            self.connection = Some(connection);
        }
    }

    async fn serve(&mut self, batch: Vec<Waiting>, commit: Commit) -> Served {
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
            match self.decide(&orders, commit, deadline).await {
                // Most likely another server has placed an order under a key of the batch, between this one's read and
                // write. The next read finds it.
                Err(Setback::Rejected(error)) => {
                    tracing::info!(%error, orders = orders.len(), "a batch of orders was rejected; it is tried again");
                    self.decide(&orders, commit, deadline).await
                }
                outcome => outcome,
            }
        };
        match outcome.instrument(span).await {
            Ok(decided) if decided.placed_by == Some(Commit::Unflushed) => {
                served.unflushed = Some(Unflushed::new(batch, decided));
            }
            Ok(decided) => {
                for (waiting, decision) in batch.into_iter().zip(self.announce(decided)) {
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
            match self.decide(&[order], Commit::Flushed, deadline).await {
                Ok(decided) => {
                    return self.announce(decided).pop().unwrap_or_else(|| Err(Undecided::Closed.into()));
                }
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

    /// Tells whoever has to know what is on disk now. Returns the decisions.
    fn announce(&self, decided: Decided) -> Vec<Decision> {
        if decided.menu_changed {
            self.observer.menu_changed();
        }
        // That orders are refused for reasons of their own says nothing about the others.
        if decided.placed_by.is_some() {
            self.database.note_orders(Ok(()));
        }
        decided.decisions
    }

    /// One decision per order, or none at all.
    async fn decide(&mut self, orders: &[&NewOrder], commit: Commit, deadline: Instant) -> Result<Decided, Setback> {
        let mut reconnected = false;
        loop {
            let committing = AtomicBool::new(false);
            let Ok(attempt) = tokio::time::timeout_at(deadline, self.attempt(orders, commit, &committing)).await else {
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
                Ok(decided) => return Ok(decided),
                Err(BatchError::Conflict | BatchError::KeysForgotten) if Instant::now() < deadline => {
                    self.measures.conflicts.increment(1);
                    tokio::task::yield_now().await;
                }
                Err(BatchError::Conflict | BatchError::KeysForgotten) => {
                    return Err(Setback::Final(PlaceOrderError::StockChanged));
                }
                Err(BatchError::Outdated(_)) => tokio::task::yield_now().await,
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

    async fn connect(&mut self) -> Result<AsyncPgConnection, Unavailable> {
        self.begun = Begun::No;
        self.server = None;
        // After a failover, what was placed may be lost.
        self.repetitions.forget_answers();
        let connection = self.database.dedicated(SETTINGS).await?;
        transaction::prepare(&connection, self.config.accept).await.map_err(Unavailable::new)?;
        // Anew: after a failover, a revision may stand for something else.
        let definitions = Definitions::of_menu(&connection, self.database.currency()).await;
        self.definitions = definitions.map_err(Unavailable::new)?;
        self.server = Some(Server::of(&connection).await.map_err(Unavailable::new)?);
        Ok(connection)
    }

    async fn attempt(
        &mut self,
        orders: &[&NewOrder],
        commit: Commit,
        committing: &AtomicBool,
    ) -> Result<Decided, BatchError> {
        let kept = self.connection.take().and_then(|mut connection| is_fit(&mut connection).then_some(connection));
        let (mut connection, commit) = match kept {
            Some(connection) => (connection, commit),
            // Nobody has looked yet whether the connection to flush by leads to the same server.
            None => (self.connect().await.map_err(BatchError::Broken)?, Commit::Flushed),
        };
        let begun = std::mem::replace(&mut self.begun, Begun::No);
        let terms = Terms { currency: self.database.currency(), accept: self.config.accept };
        let started_at = Instant::now();
        let outcome =
            transaction::place(&connection, terms, &self.definitions, orders, begun, commit, committing).await;
        let took = started_at.elapsed();
        let flush = outcome.as_ref().ok().and_then(|decided| decided.flush_took);
        self.pace.note_batch(took.saturating_sub(flush.unwrap_or_default()));
        if let Some(flush) = flush {
            self.pace.note_flush(flush);
        }
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
        if let (true, Err(BatchError::Outdated(items))) = (settled, &outcome)
            && let Err(error) = self.definitions.learn(&connection, terms.currency, items).await
        {
            // The connection is not used again.
            return Err(error.into());
        }
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
    unflushed: Option<Unflushed>,
}

impl Served {
    fn respond(&mut self, waiting: Waiting, decision: Decision) {
        self.undecided.extend(repetitions::respond(waiting, decision));
    }
}
