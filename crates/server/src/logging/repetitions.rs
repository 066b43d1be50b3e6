//! Warnings that repeat themselves.

use std::{
    collections::HashMap,
    fmt::{self, Write},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// How long a warning that was logged is not logged again.
const PAUSE: Duration = Duration::from_mins(1);

/// How many warnings are remembered. More of them, all different, are logged more often.
const REMEMBERED: usize = 1_000;

/// Lets each warning pass once a minute. Those that name their cause, in a field `cause`, are one if the cause is one:
/// a database that is down fails many requests and workers, and it is enough to say so once. Errors always pass.
#[derive(Default)]
struct Repetitions {
    logged: Mutex<HashMap<String, Instant>>,
}

impl Repetitions {
    fn is_to_be_logged(&self, event: &Event<'_>) -> bool {
        if *event.metadata().level() != Level::WARN {
            return true;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let warning = match fields.cause {
            Some(cause) => cause,
            None => format!("{}{}", event.metadata().name(), fields.others),
        };
        self.is_news(warning, Instant::now())
    }

    fn is_news(&self, warning: String, now: Instant) -> bool {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.get(&warning).is_some_and(|at| now.duration_since(*at) < PAUSE) {
            return false;
        }
        if logged.len() >= REMEMBERED {
            logged.retain(|_, at| now.duration_since(*at) < PAUSE);
        }
        if logged.len() >= REMEMBERED {
            logged.clear();
        }
        logged.insert(warning, now);
        true
    }
}

/// Formats what is to be logged, and nothing for what repeats itself. It is no filter: tracing-subscriber loses the
/// event after one that its only filter disables late, by its fields.
pub(super) struct WithoutRepetitions<F> {
    format: F,
    repetitions: Repetitions,
}

impl<F> WithoutRepetitions<F> {
    pub(super) fn of(format: F) -> Self {
        Self { format, repetitions: Repetitions::default() }
    }
}

impl<S, N, F> FormatEvent<S, N> for WithoutRepetitions<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if self.repetitions.is_to_be_logged(event) { self.format.format_event(context, writer, event) } else { Ok(()) }
    }
}

/// What an event says.
#[derive(Default)]
struct Fields {
    cause: Option<String>,
    others: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "cause" {
            let cause = format!("{value:?}");
            self.cause = Some(cause.trim_start_matches("unavailable: ").to_owned());
        } else {
            // Writing to a string cannot fail.
            let _ = write!(self.others, " {}={value:?}", field.name());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use tracing::{error, info, warn};
    use tracing_subscriber::{layer::SubscriberExt, registry};

    use super::*;

    /// Counts what is written.
    #[derive(Clone, Default)]
    struct Lines(Arc<AtomicUsize>);

    impl io::Write for Lines {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_warning_is_logged_once_and_so_is_a_cause_whoever_names_it() {
        let lines = Lines::default();
        let logged = || lines.0.swap(0, Ordering::Relaxed);
        let writer = lines.clone();
        let layer = tracing_subscriber::fmt::layer().map_event_format(WithoutRepetitions::of);
        let subscriber = registry().with(layer.with_writer(move || writer.clone()));
        tracing::subscriber::with_default(subscriber, || {
            for cause in ["refused", "unavailable: refused", "unavailable: unavailable: refused"] {
                for operation in ["order.create", "order.lookup"] {
                    warn!(operation, %cause, "unavailable");
                    warn!(operation, cause, "out of reach");
                }
            }
            assert_eq!(logged(), 1);
            warn!(cause = "password", "out of reach");
            assert_eq!(logged(), 1);
            for mail in [1, 1, 2] {
                warn!(mail, "a mail cannot be sent");
                error!(mail, "a mail is given up");
                info!(mail, "a mail is sent");
            }
            assert_eq!(logged(), 2 + 3 + 3);
        });
    }

    #[test]
    fn a_warning_is_logged_again_after_a_while_and_few_are_remembered() {
        let repetitions = Repetitions::default();
        let begin = Instant::now();
        let is_news = |text: &str, seconds| repetitions.is_news(text.to_owned(), begin + Duration::from_secs(seconds));
        assert!(is_news("refused", 0) && !is_news("refused", 59) && is_news("refused", 60));
        for number in 0..5_000 {
            assert!(is_news(&number.to_string(), 61));
        }
        assert!(repetitions.logged.lock().unwrap().len() <= REMEMBERED);
    }
}
