//! How often one address may try what could be guessed, and ask for mails.

use comanda_domain::RateLimit;

use super::setting::settings;

settings! {
    /// How many attempts one client address has.
    pub struct RateLimitSettings {
        ADDRESS_LIMIT_BURST => burst: u32 in 1..=1_000_000 = 60,
            "How many sign-ins, registrations, refreshes, password changes, requests for mails, and tokens from mails (each \
             counted separately) one client address may attempt at once.";
        ADDRESS_LIMIT_PER_MINUTE => per_minute: u32 in 1..=60_000 = 60,
            "How many more it may attempt per minute.";
    }
}

impl RateLimitSettings {
    pub fn limit(&self) -> RateLimit {
        RateLimit::per_minute(self.burst, self.per_minute)
    }
}
