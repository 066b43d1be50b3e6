//! The breaker as a pure state machine: state × event × time → state. Times are measured from an arbitrary start.

use std::time::Duration;

use super::{settings::BreakerSettings, window::Window};

/// The position of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// Calls pass.
    Closed,
    /// A few calls pass as probes.
    HalfOpen,
    /// No calls pass.
    Open,
}

/// A call that was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Permit {
    /// The period in which the call began. A result that comes back after the breaker has moved on is ignored.
    period: u64,
    probe: Option<u64>,
    begun: Duration,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The operation responded, whatever its response.
    Answered,
    /// The operation did not respond.
    Failed,
    /// The caller gave up, or the call was refused for a reason that says nothing about the operation.
    Unknown,
}

enum Phase {
    Closed(Box<Window>),
    Open { until: Duration },
    HalfOpen { succeeded: u32, under_way: Vec<(u64, Duration)> },
}

pub(super) struct Machine {
    settings: BreakerSettings,
    phase: Phase,
    period: u64,
    /// How often it has opened since it last closed.
    openings: u32,
    probes: u64,
}

impl Machine {
    pub(super) fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            phase: Phase::Closed(Box::new(Window::new(settings.window, settings.window_calls))),
            period: 0,
            openings: 0,
            probes: 0,
        }
    }

    pub(super) fn position(&self) -> Position {
        match self.phase {
            Phase::Closed(_) => Position::Closed,
            Phase::Open { .. } => Position::Open,
            Phase::HalfOpen { .. } => Position::HalfOpen,
        }
    }

    /// Lets a call through, or returns how long to wait before trying again. `chance` is uniform between 0 and 1.
    pub(super) fn ask(&mut self, now: Duration, chance: f64) -> Result<Permit, Duration> {
        self.pass_time(now, chance);
        let settings = &self.settings;
        let probe = match &mut self.phase {
            Phase::Closed(_) => None,
            Phase::Open { until } => return Err(until.saturating_sub(now)),
            Phase::HalfOpen { succeeded, under_way } => {
                let taken = *succeeded + u32::try_from(under_way.len()).unwrap_or(u32::MAX);
                if taken >= settings.probes {
                    let first_back = under_way.first().map(|(_, begun)| *begun + settings.probe_limit);
                    return Err(first_back.unwrap_or(now).saturating_sub(now));
                }
                self.probes += 1;
                under_way.push((self.probes, now));
                Some(self.probes)
            }
        };
        Ok(Permit { period: self.period, probe, begun: now })
    }

    pub(super) fn end(&mut self, permit: Permit, ending: Ending, now: Duration, chance: f64) {
        self.pass_time(now, chance);
        if permit.period != self.period {
            return;
        }
        let slow = now.saturating_sub(permit.begun) >= self.settings.slow_call;
        match &mut self.phase {
            Phase::Closed(window) => {
                if ending == Ending::Unknown {
                    return;
                }
                window.record(now, ending == Ending::Failed, slow);
                let counts = window.counts(now);
                let above =
                    |part: u32, percent: u32| u64::from(part) * 100 >= u64::from(percent) * u64::from(counts.calls);
                if counts.calls >= self.settings.minimum_calls
                    && (above(counts.failed, self.settings.failure_percent)
                        || above(counts.slow, self.settings.slow_percent))
                {
                    self.open(now, chance);
                }
            }
            Phase::HalfOpen { succeeded, under_way } => {
                under_way.retain(|(probe, _)| Some(*probe) != permit.probe);
                match ending {
                    // The place is free for another probe.
                    Ending::Unknown => {}
                    Ending::Answered if !slow => {
                        *succeeded += 1;
                        if *succeeded >= self.settings.probes {
                            self.close();
                        }
                    }
                    Ending::Answered | Ending::Failed => self.open(now, chance),
                }
            }
            Phase::Open { .. } => {}
        }
    }

    /// Changes that need only time: an open breaker becomes half-open, and a probe that never comes back fails, so that
    /// it cannot hold the breaker half-open (resilience4j#903).
    fn pass_time(&mut self, now: Duration, chance: f64) {
        match &self.phase {
            Phase::Open { until } if *until <= now => {
                self.period += 1;
                self.phase = Phase::HalfOpen { succeeded: 0, under_way: Vec::new() };
            }
            Phase::HalfOpen { under_way, .. }
                if under_way.iter().any(|(_, begun)| *begun + self.settings.probe_limit <= now) =>
            {
                self.open(now, chance);
            }
            _ => {}
        }
    }

    /// The wait doubles each time in a row, up to a limit, and half of it is random, so that servers do not all come
    /// back at once ("equal jitter", <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
    fn open(&mut self, now: Duration, chance: f64) {
        let doubled = self.settings.first_wait.saturating_mul(1 << self.openings.min(20));
        let wait = doubled.min(self.settings.longest_wait);
        self.openings = self.openings.saturating_add(1);
        self.period += 1;
        self.phase = Phase::Open { until: now + wait.mul_f64(f64::midpoint(1.0, chance)) };
    }

    fn close(&mut self) {
        self.openings = 0;
        self.period += 1;
        self.phase = Phase::Closed(Box::new(Window::new(self.settings.window, self.settings.window_calls)));
    }
}
