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
        OUTBOX_ATTEMPTS => attempts: u32 in 1..=1_000 = 100,
            "After this many failures an event becomes a dead letter, which an admin can resend. 100 failures take 15 \
             hours: ten pauses of 1 to 512 seconds, and 89 of ten minutes.";
    }
}

impl OutboxSettings {
    pub fn retries(&self) -> RetryTerms {
        RetryTerms { first_pause: self.first_pause, longest_pause: Duration::from_mins(10), attempts: self.attempts }
    }

    /// Nobody can resend a mail to an account, so a night without a mail server must not use up its attempts: beginning
    /// with a second, these are spread over 14 hours (eleven pauses of 1 to 1,024 seconds, and 28 of half an hour).
    /// Mails are kept for a day, and their tokens are made when they are sent.
    pub fn mail_retries(&self) -> RetryTerms {
        RetryTerms { longest_pause: Duration::from_mins(30), attempts: 40, ..self.retries() }
    }
}
