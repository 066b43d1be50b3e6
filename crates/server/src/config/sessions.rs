//! Sessions.

use std::time::Duration;

use comanda_application::sessions::SessionTerms;

use super::setting::settings;

settings! {
    /// How long sessions last.
    pub struct SessionSettings {
        SESSION_DAYS => client: Duration in 1..=3_650 days = 30,
            "How long a client's session can be continued with refresh tokens.";
        BROWSER_SESSION_HOURS => browser: Duration in 1..=720 hours = 12,
            "How long a browser's session lasts.";
        BROWSER_IDLE_SECONDS => browser_idle: Duration in 60..=86_400 s = 1800,
            "How long a browser's session lasts while it is not used. This is noticed to a sixth.";
        SESSIONS_PER_ACCOUNT => per_account: u32 in 1..=10_000 = 100,
            "How many open sessions an account may have. With one more, the oldest ends.";
        REFRESH_GRACE_SECONDS => refresh_grace: Duration in 0..=600 s = 10,
            "How long after its use a refresh token is accepted again, for a client's parallel requests, as long as \
             its successor is unused.";
    }
}

impl SessionSettings {
    pub fn terms(&self) -> SessionTerms {
        SessionTerms {
            client: self.client,
            browser: self.browser,
            browser_idle: self.browser_idle,
            refresh_grace: self.refresh_grace,
            per_account: self.per_account,
        }
    }
}
