//! What becomes of a panic in work that a request waits for and that runs in another task, or on another thread: the
//! request panics with it, as if it had done the work itself. If nobody waits any more, it is counted and logged all
//! the same. It never looks like a failure of something else, such as the database. Of several pieces of work that stop
//! one another in no other way, a panic fails one.

use std::{
    any::Any,
    error::Error,
    fmt,
    panic::{self, AssertUnwindSafe},
};

use futures_util::FutureExt;
use metrics::counter;
use tokio::task::{JoinError, JoinHandle};
use tracing::Span;

const PANICS: &str = "comanda_handler_panics_total";

/// Counts none so far: the first panic must be seen as a rise.
pub fn expect_no_panics() {
    counter!(PANICS).increment(0);
}

/// Counts a panic, and logs it in the current span. File and line are in what the panic itself has written.
pub fn report(panic: &(dyn Any + Send)) {
    counter!(PANICS).increment(1);
    tracing::error!(panic = message_of(panic), "work panicked");
}

fn message_of(panic: &(dyn Any + Send)) -> Option<&str> {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
}

/// A panic that was caught. It is reported when it is dropped, so none is lost, unless it is resumed.
#[derive(Debug)]
pub struct Panic {
    /// `None` once it has been passed on.
    payload: Option<Box<dyn Any + Send>>,
    /// The span of the work.
    span: Span,
}

impl Panic {
    fn new(payload: Box<dyn Any + Send>) -> Self {
        Self { payload: Some(payload), span: Span::current() }
    }

    /// Does the work, which must leave nothing behind that others could see half done.
    pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Self> {
        panic::catch_unwind(AssertUnwindSafe(work)).map_err(Self::new)
    }

    /// Lets whoever waited for the work panic in its turn.
    pub fn resume(mut self) -> ! {
        panic::resume_unwind(self.payload.take().unwrap_or_else(|| Box::new(())))
    }

    /// Reports it, and returns what is left of it.
    pub fn reported(self) -> Panicked {
        Panicked(self.payload.as_deref().and_then(message_of).map(str::to_owned))
    }

    /// The same panic once more for each of those who waited for the work.
    pub fn shared(mut self, waiting: usize) -> impl Iterator<Item = Self> {
        let message = self.payload.take().and_then(|payload| message_of(&*payload).map(str::to_owned));
        let message = message.unwrap_or_else(|| "its message is no text".to_owned());
        let span = self.span.clone();
        let again = move || Self { payload: Some(Box::new(message.clone())), span: span.clone() };
        std::iter::repeat_with(again).take(waiting)
    }
}

impl Drop for Panic {
    fn drop(&mut self) {
        if let Some(payload) = self.payload.take() {
            self.span.in_scope(|| report(&*payload));
        }
    }
}

/// Does the work, which must leave nothing behind that others could see half done: what it works with is dropped, or
/// behind locks and transactions of its own.
pub async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Panic> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(Panic::new)
}

/// Work that panicked, and whose panic was reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panicked(Option<String>);

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(message) => write!(f, "it panicked: {message}"),
            None => f.write_str("it panicked"),
        }
    }
}

impl Error for Panicked {}

/// Does one of several pieces of work, none of which may stop another. A panic is reported, and becomes this one's
/// failure. The work must leave nothing behind that others could see half done, as for [`caught`].
pub async fn isolated<T, E>(
    work: impl Future<Output = Result<T, E>>,
    failure: impl FnOnce(Panicked) -> E,
) -> Result<T, E> {
    caught(work).await.unwrap_or_else(|panic| Err(failure(panic.reported())))
}

/// Waits for a task, and panics if its work did. Fails only if the task did not come to its end, because the runtime
/// did not.
pub async fn finished<T>(task: JoinHandle<Result<T, Panic>>) -> Result<T, JoinError> {
    match task.await {
        Ok(Ok(outcome)) => Ok(outcome),
        Ok(Err(panic)) => panic.resume(),
        // Such as while its work was dropped.
        Err(error) if error.is_panic() => panic::resume_unwind(error.into_panic()),
        Err(error) => Err(error),
    }
}

/// Panics because the work was given up that the caller waits for. Its own panic was reported where it happened.
pub fn given_up(work: &'static str) -> ! {
    panic::resume_unwind(Box::new(format!("{work} was given up, because it panicked")))
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex, PoisonError},
    };

    use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
    use tracing::Instrument;

    use super::*;

    /// One at a time, with its subscriber: while there is just one in the process, whoever logs from a place for the
    /// first time decides, by the subscriber of its own thread, whether that place logs at all.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    fn recording<T>(test: impl FnOnce(PrometheusHandle) -> T) -> T {
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let recorder = PrometheusBuilder::new().build_recorder();
        let metrics = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            expect_no_panics();
            test(metrics)
        })
    }

    fn on_one_thread<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(work)
    }

    fn counted(metrics: &PrometheusHandle) -> String {
        let metrics = metrics.render();
        let line = metrics.lines().find_map(|line| line.strip_prefix("comanda_handler_panics_total "));
        line.unwrap_or_default().to_owned()
    }

    async fn fails() -> u8 {
        tokio::task::yield_now().await;
        panic!("in this test")
    }

    #[test]
    fn whoever_waits_panics_with_the_work() {
        recording(|metrics| {
            let outcome = on_one_thread(async { caught(finished(tokio::spawn(caught(fails())))).await });
            let mut panic = outcome.expect_err("it panics");
            let payload = panic.payload.take().expect("it was not passed on");
            assert_eq!(message_of(&*payload), Some("in this test"));
            assert_eq!(counted(&metrics), "0", "it is for whoever caught it to report");
            drop(panic);
            assert_eq!(counted(&metrics), "0");
        });
    }

    #[test]
    fn a_panic_nobody_waits_for_is_counted_and_logged_in_its_span() {
        #[derive(Clone, Default)]
        struct Log(Arc<Mutex<Vec<u8>>>);
        impl io::Write for Log {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().expect("not poisoned").write(bytes)
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let log = Log::default();
        let writer = log.clone();
        recording(|metrics| {
            let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
            tracing::subscriber::with_default(subscriber, || {
                on_one_thread(async {
                    let span = tracing::info_span!("request", request_id = "r-7");
                    drop(tokio::spawn(caught(fails()).instrument(span)));
                    while counted(&metrics) == "0" {
                        tokio::task::yield_now().await;
                    }
                });
                assert_eq!(counted(&metrics), "1");
            });
        });
        let log = String::from_utf8(log.0.lock().expect("not poisoned").clone()).expect("text");
        assert!(log.contains("request_id=\"r-7\"") && log.contains("panic=\"in this test\""), "{log}");
    }

    #[test]
    fn a_panic_of_isolated_work_is_its_failure_and_is_counted() {
        recording(|metrics| {
            let outcome = on_one_thread(isolated(async { Ok::<u8, String>(fails().await) }, |panic| panic.to_string()));
            assert_eq!(outcome, Err("it panicked: in this test".to_owned()));
            assert_eq!(counted(&metrics), "1");
        });
    }

    #[test]
    fn each_of_those_who_wait_gets_the_panic() {
        recording(|metrics| {
            let panic = Panic::catch(|| panic!("{}", "in this test")).expect_err("it panics");
            let panics: Vec<Panic> = panic.shared(3).collect();
            assert_eq!(counted(&metrics), "0");
            for panic in &panics {
                assert_eq!(panic.payload.as_deref().and_then(message_of), Some("in this test"));
            }
            drop(panics);
            assert_eq!(counted(&metrics), "3");
        });
    }
}
