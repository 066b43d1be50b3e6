use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    config::{LogConfig, LogFormat, TraceConfig},
    traces::{self, Traces},
};

/// Logs go to standard error, so that what a command prints can be piped; traces to a collector, where one is named.
pub fn start(config: &LogConfig, traces: Option<&TraceConfig>) -> anyhow::Result<Option<Traces>> {
    let filter = EnvFilter::new(&config.filter);
    let logs = match config.format {
        LogFormat::Text => fmt::layer().with_writer(std::io::stderr).with_filter(filter).boxed(),
        LogFormat::Json => {
            // What the request's span knows stands in every line: its id, and that of its trace.
            fmt::layer().json().with_span_list(false).with_writer(std::io::stderr).with_filter(filter).boxed()
        }
    };
    let traces = traces.map(Traces::start).transpose()?;
    let exported = traces.as_ref().map(traces::layer);
    tracing_subscriber::registry().with(exported).with(logs).init();
    Ok(traces)
}
