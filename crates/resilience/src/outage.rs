use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use comanda_domain::ports::Unavailable;

/// Remembers that something is out of reach, so that not every caller has to find out by waiting.
pub(crate) struct Outage {
    what: &'static str,
    until: Mutex<Option<Instant>>,
}

impl Outage {
    /// How long no call is made after a failure.
    const PAUSE: Duration = Duration::from_secs(1);

    pub(crate) fn of(what: &'static str) -> Self {
        let outage = Self { what, until: Mutex::new(None) };
        outage.report(false);
        outage
    }

    fn report(&self, degraded: bool) {
        metrics::gauge!("comanda_degraded", "what" => self.what).set(if degraded { 1.0 } else { 0.0 });
    }

    /// As if the pause after a failure were over.
    #[cfg(test)]
    pub(crate) fn forget(&self) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Makes the call unless one has failed a moment ago. `None` means failure either way. After the pause one caller
    /// finds out whether the outage is over, and the others do not wait for it.
    pub(crate) async fn call<T>(&self, call: impl Future<Output = Result<T, Unavailable>>) -> Option<T> {
        if let Some(until) = self.until.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            let now = Instant::now();
            if now < *until {
                return None;
            }
            *until = now + Self::PAUSE;
        }
        match call.await {
            Ok(response) => {
                if self.until.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
                    self.report(false);
                    tracing::info!(what = self.what, "back in reach; its state is shared with other servers again");
                }
                Some(response)
            }
            Err(cause) => {
                tracing::warn!(what = self.what, %cause, "out of reach; this server continues on its own");
                self.report(true);
                *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + Self::PAUSE);
                None
            }
        }
    }
}
