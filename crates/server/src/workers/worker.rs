//! What a worker is, and what it knows of its supervisor.

use std::{borrow::Cow, fmt::Display, future::Future, sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use tokio_util::sync::CancellationToken;

use super::status::Status;

/// How long a worker may take to finish at shutdown, unless it says otherwise.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

pub(super) type Run = Arc<dyn Fn(Context) -> BoxFuture<'static, ()> + Send + Sync>;

/// A background loop that has not been started.
pub struct Worker {
    pub(super) name: Cow<'static, str>,
    pub(super) run: Run,
    pub(super) place: Place,
    pub(super) drain_limit: Duration,
    pub(super) places_orders: bool,
}

/// A pause between rounds that is short enough for the alert about workers that do not succeed.
#[derive(Clone, Copy, Debug)]
pub struct Period(Duration);

impl Period {
    /// Half of what `WorkerStalled` in `operations/alerts.yml` allows.
    const LONGEST: Duration = Duration::from_secs(150);

    /// Fails to compile if it is longer, where this is a constant.
    pub const fn of(pause: Duration) -> Self {
        assert!(pause.as_millis() <= Self::LONGEST.as_millis(), "WorkerStalled would be alerted on between two rounds");
        Self(pause)
    }
}

/// Where a worker runs.
pub(super) enum Place {
    /// As a task of the server's runtime.
    Task,
    /// On a thread with a runtime of its own.
    Thread { nice: Option<i32> },
}

impl Worker {
    /// `run` works until [`Context::cancelled`], and calls [`Context::succeeded`] after every round that went well. It
    /// is called again after a panic.
    pub fn new<F>(name: impl Into<Cow<'static, str>>, run: impl Fn(Context) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self {
            name: name.into(),
            run: Arc::new(move |context| run(context).boxed()),
            place: Place::Task,
            drain_limit: DRAIN_LIMIT,
            places_orders: false,
        }
    }

    /// Calls `round` at once and then after every `period`, whether it succeeds or not. A round that has begun is
    /// finished at shutdown.
    pub fn every<F, E>(
        period: Period,
        name: impl Into<Cow<'static, str>>,
        round: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + Send + 'static,
    {
        let round = Arc::new(round);
        Self::new(name, move |context| {
            let round = Arc::clone(&round);
            async move {
                loop {
                    match round().await {
                        Ok(()) => context.succeeded(),
                        Err(error) => context.failed(&error),
                    }
                    if context.pause(period.0).await.is_cancelled() {
                        break;
                    }
                }
            }
        })
    }

    /// `run` never returns. At shutdown it is dropped wherever it stands.
    pub fn endless<F>(name: impl Into<Cow<'static, str>>, run: impl Fn(Context) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::new(name, move |context| {
            let run = run(context.clone());
            async move {
                tokio::select! {
                    () = context.cancelled() => {}
                    () = run => {}
                }
            }
        })
    }

    /// On a thread and a runtime of its own, with this niceness (0 to 19, the lowest priority) where one is given.
    pub fn on_own_thread(self, nice: Option<i32>) -> Self {
        Self { place: Place::Thread { nice }, ..self }
    }

    /// At shutdown, waits this long for it to finish.
    pub fn drained_within(self, drain_limit: Duration) -> Self {
        Self { drain_limit, ..self }
    }

    /// Without it no order can be placed, and the server is not ready.
    pub fn places_orders(self) -> Self {
        Self { places_orders: true, ..self }
    }
}

/// What a worker knows of its supervisor.
#[derive(Clone)]
pub struct Context {
    pub(super) cancellation: CancellationToken,
    pub(super) status: Arc<Status>,
}

/// How a pause ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    Over,
    Cancelled,
}

impl Pause {
    pub fn is_cancelled(self) -> bool {
        self == Self::Cancelled
    }
}

impl Context {
    /// Resolves when the server shuts down: the worker should finish what it has begun, and end.
    pub async fn cancelled(&self) {
        self.cancellation.cancelled().await;
    }

    /// Whether the server shuts down.
    pub fn is_cancelled(&self) -> bool {
        self.cancellation.is_cancelled()
    }

    /// The worker is ready to wait for work, perhaps for long. Without this, a worker that was restarted counts as dead
    /// until it has succeeded.
    pub fn ready(&self) {
        self.status.running();
    }

    /// A round went well.
    pub fn succeeded(&self) {
        if self.status.succeeded() {
            tracing::info!(worker = self.status.name(), "the worker succeeds again");
        }
    }

    /// A round failed. The worker tries again by itself.
    pub fn failed(&self, cause: &dyn Display) {
        let worker = self.status.name();
        // Of a row of failures only the first is worth a warning.
        if self.status.failed() {
            tracing::debug!(worker, %cause, "the worker failed again");
        } else {
            tracing::warn!(worker, %cause, "the worker failed; it tries again");
        }
    }

    /// Waits for so long, or until the server shuts down.
    pub async fn pause(&self, pause: Duration) -> Pause {
        tokio::select! {
            biased;
            () = self.cancellation.cancelled() => Pause::Cancelled,
            () = tokio::time::sleep(pause) => Pause::Over,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_the_longest_periods_fit_into_the_time_that_the_alert_allows() {
        let rules = include_str!("../../../../operations/alerts.yml");
        let (_, rule) = rules.split_once("alert: WorkerStalled").unwrap();
        let (_, threshold) = rule.split_once(" > ").unwrap();
        let seconds: u64 = threshold.lines().next().unwrap().parse().unwrap();
        assert!(Period::LONGEST * 2 <= Duration::from_secs(seconds));
    }
}
