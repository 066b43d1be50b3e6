use std::time::Duration;

use chrono::TimeDelta;

/// How long sessions last, and how many an account may have.
#[derive(Clone, Copy, Debug)]
pub struct SessionTerms {
    /// How long a client's session lasts, however often it is refreshed.
    pub client: Duration,
    /// How long a browser's session lasts.
    pub browser: Duration,
    /// How long a browser's session lasts while it is not used.
    pub browser_idle: Duration,
    /// For this long after its use, a refresh token may come back with a parallel request of the same client.
    pub refresh_grace: Duration,
    /// How many open sessions an account may have.
    pub per_account: u32,
}

impl SessionTerms {
    /// A browser's token is believed without asking the store for this long, and then renewed.
    const LONGEST_WITHOUT_RENEWAL: Duration = Duration::from_mins(15);

    /// After what time a browser's token is renewed. Idleness is noticed to a sixth.
    pub fn renew_after(&self) -> Duration {
        Self::LONGEST_WITHOUT_RENEWAL.min(self.browser_idle / 6)
    }

    pub(super) fn refresh_grace(&self) -> TimeDelta {
        TimeDelta::from_std(self.refresh_grace).unwrap_or(TimeDelta::zero())
    }
}
