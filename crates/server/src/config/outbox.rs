//! Delivering events.

use std::time::Duration;

use comanda_application::events::RetryTerms;

use super::setting::settings;

settings! {
    /// How events are delivered.
    pub struct OutboxSettings {
        NOTIFY_TIMEOUT_MS => timeout: Duration in 100..=60_000 ms = 5_000,
            "How long sending a mail, or a webhook, may take altogether.";
        OUTBOX_PER_SECOND => per_second: u32 in 1..=1_000_000 = 3_000,
            "How many events a receiver gets per second at most, so that a burst disturbs neither the receiver nor \
             ordering.";
        OUTBOX_FIRST_PAUSE_MS => first_pause: Duration in 1..=600_000 ms = 1_000,
            "The pause after the first failed delivery of an event; it doubles up to ten minutes.";
        OUTBOX_ATTEMPTS => attempts: u32 in 1..=1_000 = 12,
            "After this many failures an event becomes a dead letter, which an admin can resend.";
    }
}

impl OutboxSettings {
    pub fn retries(&self) -> RetryTerms {
        RetryTerms { first_pause: self.first_pause, longest_pause: Duration::from_mins(10), attempts: self.attempts }
    }
}
