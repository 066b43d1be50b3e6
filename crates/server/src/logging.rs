use std::io::{self, IsTerminal};

use tracing_subscriber::{Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    config::{LogConfig, LogFormat, TraceConfig},
    traces::{self, Traces},
};

/// Logs go to standard error, so that a command's output can be piped; traces go to a collector if one is named.
pub fn start(config: &LogConfig, traces: Option<&TraceConfig>) -> anyhow::Result<Option<Traces>> {
    let filter = config.filter.to_filter();
    let logs = match config.format {
        LogFormat::Text => fmt::layer().with_ansi(wants_colours()).with_writer(io::stderr).with_filter(filter).boxed(),
        LogFormat::Json => {
            // Each line holds what the request's span knows: its id and its trace's.
            fmt::layer().json().with_span_list(false).with_writer(io::stderr).with_filter(filter).boxed()
        }
    };
    let traces = traces.map(Traces::start).transpose()?;
    let exported = traces.as_ref().map(traces::layer);
    tracing_subscriber::registry().with(exported).with(logs).init();
    Ok(traces)
}

/// On a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
fn wants_colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
