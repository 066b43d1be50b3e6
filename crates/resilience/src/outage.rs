use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use comanda_domain::ports::Unavailable;

/// How long something counts as out of reach if nobody asks for it again.
const EXPIRES_AFTER: Duration = Duration::from_secs(30);

/// When what was last found out of reach.
static OUT_OF_REACH: Mutex<BTreeMap<&'static str, Instant>> = Mutex::new(BTreeMap::new());

/// Reports as well what was found out of reach a while ago and was not asked for since: it may be back, and in a quiet
/// night nobody finds out. To be called now and then.
pub fn expire_outages() {
    expire_before(Instant::now().checked_sub(EXPIRES_AFTER));
}

fn expire_before(moment: Option<Instant>) {
    let Some(moment) = moment else { return };
    let mut out_of_reach = OUT_OF_REACH.lock().unwrap_or_else(PoisonError::into_inner);
    out_of_reach.retain(|what, last| {
        let goes_on = *last >= moment;
        if !goes_on {
            measure(what, false);
        }
        goes_on
    });
}

fn measure(what: &'static str, degraded: bool) {
    metrics::gauge!("comanda_degraded", "what" => what).set(if degraded { 1.0 } else { 0.0 });
}

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
        let mut out_of_reach = OUT_OF_REACH.lock().unwrap_or_else(PoisonError::into_inner);
        if degraded {
            out_of_reach.insert(self.what, Instant::now());
        } else {
            out_of_reach.remove(self.what);
        }
        measure(self.what, degraded);
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
                // Of warnings that repeat themselves, the log has one a minute.
                tracing::debug!(what = self.what, "a call has failed; the next is made after a pause");
                self.report(true);
                *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + Self::PAUSE);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn is_out_of_reach(what: &str) -> bool {
        OUT_OF_REACH.lock().unwrap_or_else(PoisonError::into_inner).contains_key(what)
    }

    #[tokio::test]
    async fn an_outage_that_nobody_asks_about_any_more_expires() {
        let outage = Outage::of("an outage of this test");
        let failing = async { Err::<(), _>(Unavailable::new(io::Error::other("in this test"))) };
        assert!(outage.call(failing).await.is_none());
        expire_outages();
        assert!(is_out_of_reach("an outage of this test"), "a moment ago it was");
        expire_before(Some(Instant::now()));
        assert!(!is_out_of_reach("an outage of this test"));
    }
}
