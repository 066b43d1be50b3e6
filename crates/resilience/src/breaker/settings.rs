use std::{fmt, str::FromStr, time::Duration};

use thiserror::Error;

/// When a breaker opens, and how it decides to close again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerSettings {
    /// Calls that ended within this time count.
    pub window: Duration,
    /// If there are more calls than this, only the latest count, so that in a rush recent failures do not drown in
    /// earlier successes.
    pub window_calls: u32,
    /// The breaker does not open while fewer calls than this count.
    pub minimum_calls: u32,
    /// Opens when at least this percentage of the calls failed.
    pub failure_percent: u32,
    /// Opens when at least this percentage of the calls were slow.
    pub slow_percent: u32,
    /// A call is slow if it takes at least this long.
    pub slow_call: Duration,
    /// How long it stays open the first time. The wait doubles each time it opens again without having closed.
    pub first_wait: Duration,
    /// The longest it ever stays open.
    pub longest_wait: Duration,
    /// How many calls are let through as probes. All of them must succeed.
    pub probes: u32,
    /// A probe that takes longer than this has failed.
    pub probe_limit: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(10),
            window_calls: 100,
            minimum_calls: 20,
            failure_percent: 50,
            slow_percent: 80,
            slow_call: Duration::from_secs(2),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(3),
            probes: 3,
            probe_limit: Duration::from_secs(6),
        }
    }
}

/// The text is not a list of `name=number` with known names.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{0:?} is not one of window_ms, window_calls, minimum_calls, failure_percent, slow_percent, slow_call_ms, \
     first_wait_ms, longest_wait_ms, probes, probe_limit_ms with a number above zero"
)]
pub struct InvalidBreakerSettings(String);

impl FromStr for BreakerSettings {
    type Err = InvalidBreakerSettings;

    /// Reads settings such as `failure_percent=30 probes=1`. Settings that are not named keep their defaults.
    fn from_str(text: &str) -> Result<Self, InvalidBreakerSettings> {
        let mut settings = Self::default();
        for part in text.split_whitespace() {
            let invalid = || InvalidBreakerSettings(part.to_owned());
            let (name, number) = part.split_once('=').ok_or_else(invalid)?;
            let number = number.parse::<u32>().ok().filter(|number| *number > 0).ok_or_else(invalid)?;
            let time = Duration::from_millis(u64::from(number));
            match name {
                "window_ms" => settings.window = time,
                "window_calls" => settings.window_calls = number,
                "minimum_calls" => settings.minimum_calls = number,
                "failure_percent" => settings.failure_percent = number,
                "slow_percent" => settings.slow_percent = number,
                "slow_call_ms" => settings.slow_call = time,
                "first_wait_ms" => settings.first_wait = time,
                "longest_wait_ms" => settings.longest_wait = time,
                "probes" => settings.probes = number,
                "probe_limit_ms" => settings.probe_limit = time,
                _ => return Err(invalid()),
            }
        }
        Ok(settings)
    }
}

impl fmt::Display for BreakerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "window_ms={} window_calls={} minimum_calls={} failure_percent={} slow_percent={} slow_call_ms={} \
             first_wait_ms={} longest_wait_ms={} probes={} probe_limit_ms={}",
            self.window.as_millis(),
            self.window_calls,
            self.minimum_calls,
            self.failure_percent,
            self.slow_percent,
            self.slow_call.as_millis(),
            self.first_wait.as_millis(),
            self.longest_wait.as_millis(),
            self.probes,
            self.probe_limit.as_millis(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_the_rest_keeps_its_default() {
        let settings: BreakerSettings = "failure_percent=30  probes=1 window_ms=500".parse().unwrap();
        let expected = BreakerSettings {
            failure_percent: 30,
            probes: 1,
            window: Duration::from_millis(500),
            ..BreakerSettings::default()
        };
        assert_eq!(settings, expected);
        assert_eq!(settings.to_string().parse(), Ok(settings));
        for odd in ["probes", "probes=", "probes=0", "probes=-1", "probe=1", "window_ms=99999999999"] {
            assert!(odd.parse::<BreakerSettings>().is_err(), "{odd}");
        }
    }
}
