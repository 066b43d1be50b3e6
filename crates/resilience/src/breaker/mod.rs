//! A circuit breaker: what fails again and again is left alone for a while, and asked carefully whether it is back.
//!
//! In the terms of resilience4j (<https://resilience4j.readme.io/docs/circuitbreaker>), with what it lacks: waits that grow and vary, and
//! probes that cannot get lost.

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

/// The breaker is open.
#[derive(Debug, Error)]
#[error("{operation} is left alone for a while: it has failed too often")]
struct BreakerOpen {
    operation: &'static str,
}

/// One breaker for one operation.
pub struct Breaker {
    operation: &'static str,
    begin: Instant,
    machine: Mutex<Machine>,
    position: Gauge,
    refused: Counter,
}

impl Breaker {
    /// A closed one. `operation` is its name in answers and metrics.
    pub fn new(operation: &'static str, settings: BreakerSettings) -> Self {
        Self::labelled(operation, settings, vec![Label::new("operation", operation)])
    }

    /// One of several for the same operation, each of which reaches somebody else.
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
        breaker
    }

    /// Makes the call unless the breaker is open.
    pub async fn call<T, E: Failure>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let mut pass = self.ask()?;
        let outcome = call.await;
        pass.ending = match outcome.as_ref().err().and_then(E::unavailable) {
            None => Ending::Answered,
            // Too much was asked of it; that says nothing of what is behind.
            Some(unavailable) if unavailable.is_overload() => Ending::Unknown,
            Some(_) => Ending::Failed,
        };
        outcome
    }

    fn ask(&self) -> Result<Pass<'_>, Unavailable> {
        let asked = self.at(Machine::ask);
        match asked {
            Ok(permit) => Ok(Pass { breaker: self, permit, ending: Ending::Unknown }),
            Err(wait) => {
                self.refused.increment(1);
                Err(Unavailable::new(BreakerOpen { operation: self.operation }).retry_after(wait))
            }
        }
    }

    /// Does something to the machine, and tells of it when it has moved.
    fn at<T>(&self, record: impl FnOnce(&mut Machine, Duration, f64) -> T) -> T {
        let chance = rand::rng().random_range(0.0..1.0);
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        let before = machine.position();
        let outcome = record(&mut machine, self.begin.elapsed(), chance);
        let after = machine.position();
        drop(machine);
        if before != after {
            self.tell(after);
        }
        outcome
    }

    fn tell(&self, position: Position) {
        let (name, number) = match position {
            Position::Closed => ("closed", 0.0),
            Position::HalfOpen => ("half_open", 1.0),
            Position::Open => ("open", 2.0),
        };
        tracing::warn!(operation = self.operation, to = name, "a circuit breaker has moved");
        self.position.set(number);
        counter!("comanda_breaker_transitions_total", "operation" => self.operation, "to" => name).increment(1);
    }
}

/// A call under way. Dropped with it, wherever that stands, it gives its place back.
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
