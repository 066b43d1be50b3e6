//! Logs and traces.

use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use super::{http_url::HttpUrl, reader::Reader, setting::settings};
use crate::traces;

settings! {
    /// What is logged and traced.
    pub struct TelemetrySettings checked by check {
        LOG => filter: LogFilter = "info",
            "What is logged besides errors, as `tracing` filter directives: `warn`, `info,comanda_postgres=debug`.";
        LOG_FORMAT => format: LogFormat = "text",
            "`text` or `json`.";
        ACCESS_LOG_PERCENT => access_percent: u32 in 0..=100 = 10,
            "Of the requests that succeed, the percentage that has a line in the log (target `access`). Every request \
             that is refused, fails or is given up has one.";
        OTEL_EXPORTER_OTLP_ENDPOINT => endpoint: Option<HttpUrl> = "",
            "Where traces are sent, by OTLP over HTTP, such as `http://127.0.0.1:4318`; by default nowhere.";
        TRACE_PERCENT => percent: u32 in 0..=100 = 100,
            "The percentage of requests that begin a trace, of those that are not part of a caller's trace.";
    }
}

/// The exporter has settings of its own (`OTEL_…`), which can be wrong, too.
fn check(draft: &Draft, reader: &mut Reader) {
    if let Some(Some(endpoint)) = &draft.endpoint
        && let Err(error) = traces::exporter(endpoint)
    {
        reader.mistake(&OTEL_EXPORTER_OTLP_ENDPOINT, format!("cannot send traces: {error}"));
    }
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct LogConfig {
    pub filter: LogFilter,
    pub format: LogFormat,
    /// Of the requests that succeed, the percentage that is logged.
    pub access_percent: u32,
}

/// Where traces go.
#[derive(Clone, Debug)]
pub struct TraceConfig {
    pub endpoint: HttpUrl,
    /// The share of requests that begin a trace, of those that come without one; from 0 to 1.
    pub share: f64,
}

impl TelemetrySettings {
    pub fn log(&self) -> LogConfig {
        LogConfig { filter: self.filter.clone(), format: self.format, access_percent: self.access_percent }
    }

    /// `None`: nobody collects traces.
    pub fn traces(&self) -> Option<TraceConfig> {
        let share = f64::from(self.percent) / 100.0;
        self.endpoint.clone().map(|endpoint| TraceConfig { endpoint, share })
    }
}

/// Filter directives that parse.
#[derive(Clone, Debug)]
pub struct LogFilter(String);

impl LogFilter {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn to_filter(&self) -> EnvFilter {
        EnvFilter::new(&self.0)
    }
}

impl FromStr for LogFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A lone word is taken for a module, and everything it logs is logged: rarely what was meant.
        let is_level = |word: &str| word.parse::<LevelFilter>().is_ok();
        let is_word = |part: &str| !part.is_empty() && !part.contains(['=', '[']);
        if let Some(word) = directives(text).map(str::trim).find(|part| is_word(part) && !is_level(part)) {
            return Err(format!("{word} is not a level; a module needs one, as in {word}=debug"));
        }
        EnvFilter::try_new(text).map_err(|error| error.to_string())?;
        Ok(Self(text.to_owned()))
    }
}

/// Commas within brackets separate fields of a span, not directives.
fn directives(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_u32;
    text.split(move |character| {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    })
}

#[derive(Clone, Copy, Debug)]
pub enum LogFormat {
    Text,
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("must be text or json"),
        }
    }
}
