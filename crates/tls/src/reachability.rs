use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long a cause that was logged is not logged again, however often somebody tries to connect.
const REMINDER: Duration = Duration::from_mins(1);

/// How many causes are logged in that time.
const MOST_CAUSES: usize = 4;

/// How long a failed attempt says something about the next one.
const LATELY: Duration = Duration::from_secs(30);

/// Whether a service can be connected to. Everybody who connects to it shares this, so that its going and its coming
/// back are one line each in the log, and why it is gone is known to those who only wait.
#[derive(Debug)]
pub struct Reachability {
    service: &'static str,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Why the latest attempt failed, and when. `None`: it succeeded, or there was none.
    failure: Option<(String, Instant)>,
    /// The causes that were logged lately.
    logged: Vec<(String, Instant)>,
    /// Whether the log's last word is that the service is out of reach.
    logged_as_gone: bool,
}

impl Reachability {
    pub fn of(service: &'static str) -> Self {
        Self { service, state: Mutex::default() }
    }

    /// An attempt to connect has failed. Logs the cause if it is another one, or once a minute.
    pub fn failed(&self, cause: &str) {
        if self.is_to_be_logged(cause, Instant::now()) {
            tracing::warn!(service = self.service, %cause, "out of reach");
        }
    }

    fn is_to_be_logged(&self, cause: &str, now: Instant) -> bool {
        let mut state = self.state();
        state.failure = Some((cause.to_owned(), now));
        state.logged.retain(|(_, at)| now.duration_since(*at) < REMINDER);
        if state.logged.len() >= MOST_CAUSES || state.logged.iter().any(|(logged, _)| logged == cause) {
            return false;
        }
        state.logged.push((cause.to_owned(), now));
        state.logged_as_gone = true;
        true
    }

    /// An attempt to connect has succeeded.
    pub fn succeeded(&self) {
        let mut state = self.state();
        state.failure = None;
        let was_gone = std::mem::take(&mut state.logged_as_gone);
        drop(state);
        if was_gone {
            tracing::info!(service = self.service, "back in reach");
        }
    }

    /// Why the latest attempt failed, if it did, and lately.
    pub fn failure(&self) -> Option<String> {
        let failure = self.state().failure.clone();
        failure.filter(|(_, at)| at.elapsed() < LATELY).map(|(cause, _)| cause)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_logged_when_it_changes_and_once_a_minute() {
        let service = Reachability::of("test");
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let logged = |cause, seconds| service.is_to_be_logged(cause, at(seconds));
        assert!(logged("refused", 0) && logged("password", 1));
        assert!(!logged("refused", 2) && !logged("password", 59));
        assert!(logged("refused", 61));
        // However many causes there are.
        assert!(logged("third", 62) && logged("fourth", 62) && logged("fifth", 62));
        assert!(!logged("sixth", 62));
    }

    #[test]
    fn the_latest_failure_is_known_until_an_attempt_succeeds() {
        let service = Reachability::of("test");
        assert_eq!(service.failure(), None);
        service.failed("refused");
        assert_eq!(service.failure().as_deref(), Some("refused"));
        service.succeeded();
        assert_eq!(service.failure(), None);
    }
}
