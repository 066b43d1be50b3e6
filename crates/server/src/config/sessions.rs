//! Sessions.

use std::time::Duration;

use comanda_application::sessions::SessionTerms;

use super::setting::settings;

settings! {
    /// How long sessions last.
    pub struct SessionSettings {
        SESSION_DAYS => client: Duration in 1..=3_650 days = 30,
            "How long a client's session can be continued with refresh tokens.";
        BROWSER_SESSION_HOURS => browser: Duration in 1..=8_760 hours = 12,
            "How long a browser's session lasts.";
        REFRESH_GRACE_SECONDS => refresh_grace: Duration in 0..=600 s = 10,
            "How long after its use a refresh token is accepted again, for a client's parallel requests.";
    }
}

impl SessionSettings {
    pub fn terms(&self) -> SessionTerms {
        SessionTerms { client: self.client, browser: self.browser, refresh_grace: self.refresh_grace }
    }
}
