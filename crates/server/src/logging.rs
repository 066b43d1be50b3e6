mod repetitions;

use std::io::{self, IsTerminal};

use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer,
    filter::FilterExt,
    fmt,
    layer::{Filter, SubscriberExt},
    registry::LookupSpan,
    reload,
    util::SubscriberInitExt,
};

use self::repetitions::WithoutRepetitions;
use crate::{
    config::{LogConfig, LogFilter, LogFormat, TraceConfig},
    traces::{self, Traces},
};

/// Logs go to standard error, so that a command's output can be piped; traces go to a collector if one is named.
pub fn start(config: &LogConfig, traces: Option<&TraceConfig>) -> anyhow::Result<Logging> {
    let (filter, refilter) = exchangeable(&config.filter);
    let logs = match config.format {
        LogFormat::Text => {
            let layer = fmt::layer().with_ansi(wants_colours()).map_event_format(WithoutRepetitions::of);
            layer.with_writer(io::stderr).with_filter(filter).boxed()
        }
        LogFormat::Json => {
            // Each line holds what the request's span knows: its id and its trace's.
            let layer = fmt::layer().json().with_span_list(false).map_event_format(WithoutRepetitions::of);
            layer.with_writer(io::stderr).with_filter(filter).boxed()
        }
    };
    let traces = traces.map(Traces::start).transpose()?;
    let exported = traces.as_ref().map(traces::layer);
    tracing_subscriber::registry().with(exported).with(logs).init();
    Ok(Logging { traces, refilter })
}

/// What goes on until the program ends.
pub struct Logging {
    /// `None`: nobody collects traces.
    pub traces: Option<Traces>,
    /// Has other directives say what is logged from now on.
    pub refilter: Refilter,
}

pub type Refilter = Box<dyn Fn(&LogFilter) -> anyhow::Result<()> + Send + Sync>;

type AnyFilter<S> = Box<dyn Filter<S> + Send + Sync>;

/// A filter, and what replaces it.
fn exchangeable<S>(directives: &LogFilter) -> (reload::Layer<AnyFilter<S>, S>, Refilter)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let any = |directives: &LogFilter| -> AnyFilter<S> { Box::new(filter(directives)) };
    let (exchangeable, handle) = reload::Layer::new(any(directives));
    (exchangeable, Box::new(move |directives| Ok(handle.reload(any(directives))?)))
}

/// What is logged: errors, and what the directives name.
fn filter<S>(directives: &LogFilter) -> impl Filter<S> + Send + Sync + 'static + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    directives.to_filter().or(LevelFilter::ERROR)
}

/// On a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
fn wants_colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tracing::{Event, error, info, warn};
    use tracing_subscriber::{layer::Context, registry};

    use super::*;

    /// Counts what is logged.
    struct Lines(Arc<AtomicUsize>);

    impl<S: Subscriber> Layer<S> for Lines {
        fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn errors_are_logged_whatever_the_directives_name() {
        for (directives, expected) in [("off", 1), ("comanda_postgres=debug", 1), ("warn", 2), ("info", 3)] {
            let logged = Arc::<AtomicUsize>::default();
            let lines = Lines(Arc::clone(&logged)).with_filter(filter(&directives.parse().unwrap()));
            tracing::subscriber::with_default(registry().with(lines), || {
                error!("in this test");
                warn!("in this test");
                info!("in this test");
            });
            assert_eq!(logged.load(Ordering::Relaxed), expected, "{directives}");
        }
    }
}
