//! What is known of a worker while it runs.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use comanda_domain::{Timestamp, ports::Clock};
use metrics::{Counter, Gauge, counter, gauge};

/// Whether a worker works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It works, or waits for work.
    Running,
    /// It has panicked and has not succeeded since.
    Restarting,
    /// It has not been started, or it has stopped.
    Ended,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Ended => "ended",
        }
    }
}

/// One worker's state, kept by its supervisor.
pub(super) struct Status {
    name: Cow<'static, str>,
    places_orders: bool,
    clock: Arc<dyn Clock>,
    progress: Mutex<Progress>,
    up: Gauge,
    last_success: Gauge,
    restarts: Counter,
}

struct Progress {
    state: State,
    last_success: Option<Timestamp>,
    has_succeeded: bool,
    is_failing: bool,
}

impl Status {
    pub(super) fn new(name: Cow<'static, str>, places_orders: bool, clock: Arc<dyn Clock>) -> Self {
        let worker = name.clone().into_owned();
        let last_success = gauge!("comanda_worker_last_success_timestamp_seconds", "worker" => worker.clone());
        // An alert goes by the time since then: it gives a worker as long to succeed at first as it does later.
        last_success.set(seconds(clock.now()));
        Self {
            name,
            places_orders,
            clock,
            progress: Mutex::new(Progress {
                state: State::Ended,
                last_success: None,
                has_succeeded: false,
                is_failing: false,
            }),
            up: gauge!("comanda_worker_up", "worker" => worker.clone()),
            last_success,
            restarts: counter!("comanda_worker_restarts_total", "worker" => worker),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// It has been started, or has come as far as to wait for work after a restart.
    pub(super) fn running(&self) {
        self.progress().state = State::Running;
        self.up.set(1.0);
    }

    /// Returns whether the round before had failed.
    pub(super) fn succeeded(&self) -> bool {
        let now = self.clock.now();
        let mut progress = self.progress();
        progress.last_success = Some(now);
        progress.has_succeeded = true;
        progress.state = State::Running;
        self.up.set(1.0);
        self.last_success.set(seconds(now));
        std::mem::take(&mut progress.is_failing)
    }

    /// Returns whether the round before had failed, too.
    pub(super) fn failed(&self) -> bool {
        std::mem::replace(&mut self.progress().is_failing, true)
    }

    /// Returns whether the run that has just ended succeeded at least once.
    pub(super) fn restarting(&self) -> bool {
        let mut progress = self.progress();
        progress.state = State::Restarting;
        self.up.set(0.0);
        self.restarts.increment(1);
        std::mem::take(&mut progress.has_succeeded)
    }

    /// As it was asked to: no reason for an alert.
    pub(super) fn stopped(&self) {
        self.progress().state = State::Ended;
    }

    /// Without having been asked to, unless it has stopped already.
    pub(super) fn ended(&self) {
        let mut progress = self.progress();
        if progress.state != State::Ended {
            progress.state = State::Ended;
            self.up.set(0.0);
        }
    }

    fn report(&self) -> WorkerReport<'_> {
        let progress = self.progress();
        WorkerReport { name: &self.name, state: progress.state, last_success: progress.last_success }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit into 52 bits for the next 140,000 years")]
fn seconds(timestamp: Timestamp) -> f64 {
    timestamp.timestamp_millis() as f64 / 1000.0
}

/// Reports on all workers.
#[derive(Clone)]
pub struct WorkerHealth(Arc<[Arc<Status>]>);

/// One worker, as an operator sees it.
pub struct WorkerReport<'a> {
    pub name: &'a str,
    pub state: State,
    pub last_success: Option<Timestamp>,
}

impl WorkerHealth {
    pub(super) fn new(workers: Vec<Arc<Status>>) -> Self {
        Self(workers.into())
    }

    /// Whether every worker that placing orders needs runs.
    pub fn can_place_orders(&self) -> bool {
        self.0.iter().filter(|status| status.places_orders).all(|status| status.progress().state == State::Running)
    }

    pub fn all_run(&self) -> bool {
        self.0.iter().all(|status| status.progress().state == State::Running)
    }

    /// In the order they were registered in.
    pub fn report(&self) -> Vec<WorkerReport<'_>> {
        self.0.iter().map(|status| status.report()).collect()
    }
}
