//! Starts workers, restarts them after a panic, and ends them at shutdown.

use std::{borrow::Cow, future::Future, io, sync::Arc, thread, time::Duration};

use comanda_domain::ports::Clock;
use tokio::{runtime, sync::oneshot, task::AbortHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    status::{Status, WorkerHealth},
    worker::{Context, Place, Run, Worker},
};

/// The pause before the first restart after a panic. It doubles with every further panic, until a round succeeds.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause before a restart.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The server's workers: registered first, then started together.
pub struct Workers {
    clock: Arc<dyn Clock>,
    registered: Vec<(Worker, Arc<Status>)>,
}

impl Workers {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, registered: Vec::new() }
    }

    pub fn register(&mut self, worker: Worker) {
        let status = Status::new(worker.name.clone(), worker.places_orders, Arc::clone(&self.clock));
        self.registered.push((worker, Arc::new(status)));
    }

    /// Reports on the workers registered so far, for as long as anybody asks.
    pub fn health(&self) -> WorkerHealth {
        WorkerHealth::new(self.registered.iter().map(|(_, status)| Arc::clone(status)).collect())
    }

    /// Starts them all, within a tokio runtime. Fails where a thread cannot be started.
    pub fn start(self) -> io::Result<RunningWorkers> {
        let cancellation = CancellationToken::new();
        let mut running = Vec::new();
        // From now on whatever has been started ends with this, also when another one cannot be started.
        let guard = cancellation.clone().drop_guard();
        for (worker, status) in self.registered {
            status.running();
            let context = Context { cancellation: cancellation.clone(), status };
            running.push(Running::start(worker, context)?);
        }
        Ok(RunningWorkers { running, guard })
    }
}

/// Workers at work. Dropping this cancels them and waits for none.
pub struct RunningWorkers {
    running: Vec<Running>,
    guard: DropGuard,
}

impl RunningWorkers {
    /// Cancels all workers and waits until each has finished or its limit has passed. Returns the names of those that
    /// did not finish.
    pub async fn stop(self) -> Vec<String> {
        drop(self.guard);
        let stopping = self.running.into_iter().map(Running::stop);
        futures_util::future::join_all(stopping).await.into_iter().flatten().collect()
    }
}

struct Running {
    name: Cow<'static, str>,
    drain_limit: Duration,
    /// Closed when it has ended.
    ended: oneshot::Receiver<()>,
    /// A thread cannot be aborted: it ends with the process.
    abort: Option<AbortHandle>,
}

impl Running {
    fn start(worker: Worker, context: Context) -> io::Result<Self> {
        let (end, ended) = oneshot::channel::<()>();
        let Worker { name, run, place, drain_limit, .. } = worker;
        let supervised = async move {
            supervise(run, context).await;
            drop(end);
        };
        let abort = match place {
            Place::Task => Some(tokio::spawn(supervised).abort_handle()),
            Place::Thread { nice } => {
                start_thread(&name, nice, supervised)?;
                None
            }
        };
        Ok(Self { name, drain_limit, ended, abort })
    }

    /// The name of a worker that did not finish in time.
    async fn stop(self) -> Option<String> {
        // Nothing is ever sent: closing is the signal.
        if tokio::time::timeout(self.drain_limit, self.ended).await.is_ok() {
            return None;
        }
        if let Some(abort) = self.abort {
            abort.abort();
        }
        tracing::error!(worker = %self.name, limit = ?self.drain_limit, "the worker did not finish in time");
        Some(self.name.into_owned())
    }
}

/// Fails if the thread or its runtime cannot be started. The runtime is made on the thread itself: if the thread cannot
/// be started, dropping a runtime here, within another one, would panic.
fn start_thread(name: &str, nice: Option<i32>, work: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let (started, outcome) = std::sync::mpsc::sync_channel(1);
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                let _ = started.send(Err(error));
                return;
            }
        };
        let _ = started.send(Ok(()));
        if let Some(nice) = nice {
            lower_priority(nice);
        }
        runtime.block_on(work);
    })?;
    outcome.recv().map_err(io::Error::other)?
}

fn lower_priority(nice: i32) {
    // No id means the calling thread.
    if let Err(error) = rustix::process::setpriority_process(None, nice) {
        tracing::warn!(%error, "cannot lower the priority of a thread");
    }
}

/// Runs a worker until it is cancelled. A worker that panics, or ends by itself, is started again after a pause.
async fn supervise(run: Run, context: Context) {
    // Should the supervisor itself be dropped or panic, the worker is reported as ended.
    let ending = Ending(Arc::clone(&context.status));
    let mut pause = FIRST_PAUSE;
    loop {
        // Whatever the worker held is dropped while it unwinds; what outlives it recovers from poisoned locks.
        let outcome = comanda_task::caught(async { run(context.clone()).await }).await;
        if context.cancellation.is_cancelled() {
            break;
        }
        if context.status.restarting() {
            pause = FIRST_PAUSE;
        }
        let cause = match outcome {
            Ok(()) => "it ended by itself".to_owned(),
            Err(panic) => panic.reported().to_string(),
        };
        tracing::error!(worker = context.status.name(), %cause, ?pause, "a worker stopped; it is started again");
        if context.pause(pause).await.is_cancelled() {
            break;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    ending.0.stopped();
}

struct Ending(Arc<Status>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.ended();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use comanda_domain::{Timestamp, ports::MockClock};
    use tokio::{sync::mpsc, time::Instant};

    use super::{
        super::{status::State, worker::Period},
        *,
    };

    fn now() -> Timestamp {
        Timestamp::from_timestamp_millis(1_790_000_000_000).unwrap()
    }

    fn workers(worker: Worker) -> Workers {
        let mut clock = MockClock::new();
        clock.expect_now().returning(now);
        let mut workers = Workers::new(Arc::new(clock));
        workers.register(worker);
        workers
    }

    /// A worker that reports each of its starts and then does what `then` says.
    fn reporting<F>(
        then: impl Fn(u32, Context) -> F + Send + Sync + 'static,
    ) -> (Worker, mpsc::UnboundedReceiver<Instant>)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (sender, starts) = mpsc::unbounded_channel();
        let count = AtomicU32::new(0);
        let worker = Worker::new("report_starts", move |context| {
            sender.send(Instant::now()).unwrap();
            then(count.fetch_add(1, Ordering::Relaxed), context)
        });
        (worker, starts)
    }

    async fn pauses(starts: &mut mpsc::UnboundedReceiver<Instant>, count: usize) -> Vec<Duration> {
        let mut before = starts.recv().await.unwrap();
        let mut pauses = Vec::new();
        while pauses.len() < count {
            let start = starts.recv().await.unwrap();
            pauses.push(start - before);
            before = start;
        }
        pauses
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_panics_is_restarted_after_pauses_that_double() {
        let (worker, mut starts) = reporting(|_, _| async { panic!("in this test") });
        let running = workers(worker).start().unwrap();
        let expected = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000];
        assert_eq!(pauses(&mut starts, expected.len()).await, expected.map(Duration::from_millis));
        assert!(running.stop().await.is_empty(), "also between two starts");
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_ends_the_doubling() {
        let (worker, mut starts) = reporting(|start, context| async move {
            if start == 3 {
                context.succeeded();
            }
            panic!("in this test")
        });
        let _running = workers(worker).start().unwrap();
        assert_eq!(pauses(&mut starts, 5).await, [100, 200, 400, 100, 200].map(Duration::from_millis));
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_worker_is_reported_until_it_has_succeeded_again() {
        let (worker, mut starts) = reporting(|start, context| async move {
            match start {
                0 => {
                    context.succeeded();
                    context.pause(Duration::from_millis(10)).await;
                }
                1 => {
                    context.pause(Duration::from_secs(10)).await;
                    context.succeeded();
                    context.cancelled().await;
                }
                _ => unreachable!("it is not started a third time"),
            }
        });
        let workers = workers(worker.places_orders());
        let health = workers.health();
        assert!(!health.can_place_orders() && !health.all_run(), "not started");
        let running = workers.start().unwrap();
        starts.recv().await.unwrap();
        assert!(health.can_place_orders() && health.all_run());

        tokio::time::sleep(Duration::from_millis(50)).await;
        let report = &health.report()[0];
        assert_eq!((report.name, report.state, report.last_success), ("report_starts", State::Restarting, Some(now())));
        assert!(!health.can_place_orders() && !health.all_run());

        starts.recv().await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(health.report()[0].state, State::Restarting, "it runs, but has not done anything yet");
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(health.report()[0].state, State::Running);
        assert!(health.can_place_orders() && health.all_run());
        running.stop().await;
        assert!(!health.can_place_orders());
    }

    #[tokio::test(start_paused = true)]
    async fn rounds_go_on_when_one_fails() {
        let (sender, mut rounds) = mpsc::unbounded_channel();
        let count = AtomicU32::new(0);
        let round = move || {
            sender.send(Instant::now()).unwrap();
            let first = count.fetch_add(1, Ordering::Relaxed) == 0;
            async move { if first { Err("in this test") } else { Ok(()) } }
        };
        let workers = workers(Worker::every(Period::of(Duration::from_secs(7)), "count_rounds", round));
        let health = workers.health();
        let _running = workers.start().unwrap();
        assert_eq!(pauses(&mut rounds, 2).await, [Duration::from_secs(7); 2]);
        assert_eq!((health.report()[0].state, health.report()[0].last_success), (State::Running, Some(now())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_shutdown_ends_every_worker_within_its_limit() {
        let (sender, mut finished) = mpsc::unbounded_channel();
        let round = move || {
            let sender = sender.clone();
            async move {
                tokio::time::sleep(Duration::from_secs(3)).await;
                sender.send("the round").unwrap();
                Ok::<_, io::Error>(())
            }
        };
        let mut workers = workers(Worker::every(Period::of(Duration::from_mins(2)), "finish_rounds", round));
        // Neither of them listens.
        workers
            .register(Worker::new("sleep_forever", |_| std::future::pending()).drained_within(Duration::from_secs(10)));
        workers.register(Worker::new("wait_for_nobody", |_| std::future::pending()).drained_within(Duration::ZERO));
        let running = workers.start().unwrap();
        tokio::task::yield_now().await;
        let begin = Instant::now();
        assert_eq!(running.stop().await, ["sleep_forever", "wait_for_nobody"]);
        assert_eq!(begin.elapsed(), Duration::from_secs(10), "side by side, each for as long as it may");
        assert_eq!(finished.recv().await, Some("the round"));
        assert_eq!(finished.recv().await, None, "nothing is left of the worker");
    }

    #[tokio::test]
    async fn a_thread_is_restarted_and_ends_like_a_task() {
        let (worker, mut starts) = reporting(|start, context| async move {
            assert_eq!(thread::current().name(), Some("report_starts"));
            assert!(start > 0, "in this test");
            context.succeeded();
            context.cancelled().await;
        });
        let workers = workers(worker.on_own_thread(Some(1)).drained_within(Duration::from_mins(1)));
        let running = workers.start().unwrap();
        for _ in 0..2 {
            starts.recv().await.unwrap();
        }
        assert!(running.stop().await.is_empty());
        assert!(starts.recv().await.is_none(), "the thread has dropped what it worked with");
    }
}
