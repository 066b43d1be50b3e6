use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use comanda_domain::ports::Unavailable;

/// Whether something is known to be gone, so that not every caller has to find out by waiting.
pub(crate) struct Outage {
    what: &'static str,
    until: Mutex<Option<Instant>>,
}

impl Outage {
    /// How long it is left alone after a failure.
    const PAUSE: Duration = Duration::from_secs(1);

    pub(crate) fn of(what: &'static str) -> Self {
        let outage = Self { what, until: Mutex::new(None) };
        outage.report(false);
        outage
    }

    fn report(&self, gone: bool) {
        metrics::gauge!("comanda_degraded", "what" => self.what).set(if gone { 1.0 } else { 0.0 });
    }

    /// Asks, unless it was found gone a moment ago; `None` is a failure either way.
    pub(crate) async fn ask<T>(&self, question: impl Future<Output = Result<T, Unavailable>>) -> Option<T> {
        if self.until.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| Instant::now() < until) {
            return None;
        }
        match question.await {
            Ok(answer) => {
                if self.until.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
                    self.report(false);
                    tracing::info!(what = self.what, "shared with other servers again");
                }
                Some(answer)
            }
            Err(cause) => {
                tracing::warn!(what = self.what, %cause, "cannot be shared with other servers; this one goes on by itself");
                self.report(true);
                *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + Self::PAUSE);
                None
            }
        }
    }
}
