//! A circuit breaker: stops calling what keeps failing, and after a while probes carefully whether it is back.
//!
//! In the terms of resilience4j (<https://resilience4j.readme.io/docs/circuitbreaker>), with what it lacks: waits that
//! grow and vary, and probes that cannot get lost.

mod failure;
mod settings;
mod state;
#[cfg(test)]
mod tests;
mod window;

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use comanda_domain::ports::Unavailable;
use metrics::{Counter, Gauge, Label, counter, gauge};
use rand::RngExt;
use thiserror::Error;

use self::state::{Ending, Machine, Permit, Position};
pub use self::{
    failure::Failure,
    settings::{BreakerSettings, InvalidBreakerSettings},
};

/// The breaker is open, so the call was not made.
#[derive(Debug, Error)]
#[error("the circuit breaker of {operation} is open because too many calls failed")]
struct BreakerOpen {
    operation: &'static str,
}

/// The circuit breaker of one operation.
pub struct Breaker {
    operation: &'static str,
    begin: Instant,
    machine: Mutex<Machine>,
    position: Gauge,
    refused: Counter,
}

impl Breaker {
    /// A closed breaker. `operation` is its name in error messages and metrics.
    pub fn new(operation: &'static str, settings: BreakerSettings) -> Self {
        Self::labelled(operation, settings, vec![Label::new("operation", operation)])
    }

    /// A closed breaker for one of several targets of the same operation.
    pub fn towards(target: &str, operation: &'static str, settings: BreakerSettings) -> Self {
        let labels = vec![Label::new("operation", operation), Label::new("target", target.to_owned())];
        Self::labelled(operation, settings, labels)
    }

    fn labelled(operation: &'static str, settings: BreakerSettings, labels: Vec<Label>) -> Self {
        let breaker = Self {
            operation,
            begin: Instant::now(),
            machine: Mutex::new(Machine::new(settings)),
            position: gauge!("comanda_breaker_state", labels.clone()),
            refused: counter!("comanda_breaker_refused_total", labels),
        };
        breaker.position.set(0.0);
        for name in ["closed", "half_open", "open"] {
            breaker.transitions(name).increment(0);
        }
        breaker
    }

    /// Makes the call unless the breaker is open.
    pub async fn call<T, E: Failure>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let mut pass = self.ask()?;
        let outcome = call.await;
        pass.ending = match outcome.as_ref().err().and_then(E::unavailable) {
            None => Ending::Answered,
            // The call was refused for overload, which says nothing about what is behind the breaker.
            Some(unavailable) if unavailable.is_overload() => Ending::Unknown,
            // One record is at fault, and whoever asks for it again and again must not cut off the others.
            Some(unavailable) if unavailable.unreadable().is_some() => Ending::Answered,
            Some(_) => Ending::Failed,
        };
        outcome
    }

    fn ask(&self) -> Result<Pass<'_>, Unavailable> {
        match self.at(Machine::ask) {
            Ok(permit) => Ok(Pass { breaker: self, permit, ending: Ending::Unknown }),
            Err(wait) => {
                self.refused.increment(1);
                Err(Unavailable::new(BreakerOpen { operation: self.operation }).retry_after(wait).unattempted())
            }
        }
    }

    /// Runs a step of the machine, and reports it if the position has changed.
    fn at<T>(&self, record: impl FnOnce(&mut Machine, Duration, f64) -> T) -> T {
        let chance = rand::rng().random_range(0.0..1.0);
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        let before = machine.position();
        let outcome = record(&mut machine, self.begin.elapsed(), chance);
        let after = machine.position();
        drop(machine);
        if before != after {
            self.report(after);
        }
        outcome
    }

    fn report(&self, position: Position) {
        let (name, number) = match position {
            Position::Closed => ("closed", 0.0),
            Position::HalfOpen => ("half_open", 1.0),
            Position::Open => ("open", 2.0),
        };
        tracing::warn!(operation = self.operation, to = name, "a circuit breaker has moved");
        self.position.set(number);
        self.transitions(name).increment(1);
    }

    fn transitions(&self, to: &'static str) -> Counter {
        counter!("comanda_breaker_transitions_total", "operation" => self.operation, "to" => to)
    }
}

/// A call under way. Whenever the call ends or is dropped, this is dropped with it and frees its place.
struct Pass<'a> {
    breaker: &'a Breaker,
    permit: Permit,
    ending: Ending,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let (permit, ending) = (self.permit, self.ending);
        self.breaker.at(|machine, now, chance| machine.end(permit, ending, now, chance));
    }
}
