use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogConfig, LogFormat};

/// Logs go to standard error, so that what a command prints can be piped.
pub fn start(config: &LogConfig) {
    let registry = tracing_subscriber::registry().with(EnvFilter::new(&config.filter));
    match config.format {
        LogFormat::Text => registry.with(fmt::layer().with_writer(std::io::stderr)).init(),
        LogFormat::Json => registry.with(fmt::layer().json().with_writer(std::io::stderr)).init(),
    }
}
